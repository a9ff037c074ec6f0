"""A game of two players whose rules need states or turns, and policies that play it."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Mapping, Sequence
from enum import IntEnum
from typing import Any

import numpy as np
from jaxtyping import Float

State = Any
Action = Hashable
Distribution = Sequence[float | int] | Float[np.ndarray, " actions"]
"""Probabilities of a player's legal actions, in their order."""

Policy = Callable[["SequentialGame", State, int], Distribution]
"""Of a game, a state and a player, 0 or 1, whose turn it is: how it plays.

A policy should look at nothing but what the player may know: the state's information state and description.
"""


class Turn(IntEnum):
    """Who moves in a state."""

    FOCAL = 0
    PARTNER = 1
    BOTH = 2
    CHANCE = 3
    OVER = 4


class SequentialGame(ABC):
    """Two players, the focal one (0) and its partner (1), and states from a start to an end.

    A state is whatever the game likes. No method may change one.

    Attributes:
        name: In messages.
    """

    name: str

    @abstractmethod
    def start(self) -> State:
        """The first state."""

    @abstractmethod
    def turn(self, state: State) -> Turn:
        """Who moves in it."""

    @abstractmethod
    def legal_actions(self, state: State, player: int) -> Sequence[Action]:
        """Of a player whose turn it is; at least one."""

    @abstractmethod
    def next_state(self, state: State, action: Action) -> State:
        """The state after a move; where both move at once, of a pair of the focal player's and the partner's."""

    @abstractmethod
    def returns(self, state: State) -> tuple[float, float]:
        """What a game that is over has paid the focal player and its partner, all in all."""

    @abstractmethod
    def information_state(self, state: State, player: int) -> Hashable:
        """All that a player whose turn it is knows and remembers; equal in states that it cannot tell apart."""

    def chances(self, state: State) -> Sequence[tuple[float, Action]]:
        """Probabilities of chance's moves, where it is chance's turn."""
        raise NotImplementedError(f"{self.name} has a turn of chance, so it must say `chances`.")

    def action_name(self, state: State, player: int, action: Action) -> str:
        """What a legal action is called."""
        return str(action)

    def describe(self, state: State, player: int) -> str:
        """What a player knows in a state, in words for a language model."""
        return str(self.information_state(state, player))


def movers(turn: Turn) -> tuple[int, ...]:
    """Players whose turn it is."""
    return {Turn.FOCAL: (0,), Turn.PARTNER: (1,), Turn.BOTH: (0, 1)}.get(turn, ())


def distribution(game: SequentialGame, policy: Policy, state: State, player: int) -> Float[np.ndarray, " actions"]:
    """What a policy says, checked.

    Raises:
        ValueError: If that is no distribution over the legal actions.
    """
    legal = game.legal_actions(state, player)
    said = np.asarray(policy(game, state, player), dtype=np.float64)
    if said.shape != (len(legal),) or not (said >= 0).all() or abs(said.sum() - 1) > 1e-6:
        raise ValueError(
            f"the policy of player {player} in {game.name} gives {said.tolist()} for the {len(legal)} legal actions "
            f"{[game.action_name(state, player, action) for action in legal]}; give a probability for each, 1 in all."
        )
    return said


def uniform(game: SequentialGame, state: State, player: int) -> Distribution:
    """The policy to which all legal actions are alike."""
    count = len(game.legal_actions(state, player))
    return [1 / count] * count


def first_legal(game: SequentialGame, state: State, player: int) -> Distribution:
    """The policy that takes the first legal action."""
    return [1.0] + [0.0] * (len(game.legal_actions(state, player)) - 1)


def table(rows: Mapping[Any, Distribution], otherwise: Policy = uniform) -> Policy:
    """The policy that looks its probabilities up by information state.

    Args:
        rows: Probabilities of the legal actions, in their order.
        otherwise: Asked where there is no row.
    """

    def look_up(game: SequentialGame, state: State, player: int) -> Distribution:
        row = rows.get(game.information_state(state, player))
        return otherwise(game, state, player) if row is None else row

    return look_up
