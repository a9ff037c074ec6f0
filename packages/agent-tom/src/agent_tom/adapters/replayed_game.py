"""Games whose states cannot be copied: a state is a seed and the moves since, played again from the start."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from agent_tom.adapters.sequential_game import Action, SequentialGame, Turn

_MOVES_TRIED = 10


@dataclass(frozen=True, kw_only=True, eq=False)
class Position:
    """A state of a game that is played again from the start.

    Attributes:
        seed: Of the game's reset.
        moves: Since then.
        env: As it is after them; nobody may step it on. None before chance has drawn the seed.
        known: By player, what it has seen and done in its own turns before this one.
        paid: To both players so far.
    """

    seed: int
    moves: tuple[Action, ...]
    env: Any
    known: tuple[tuple[Any, ...], tuple[Any, ...]]
    paid: tuple[float, float]


class ReplayedGame(SequentialGame):
    """A game in which nothing is random once a seed is given.

    If there are several seeds, chance draws one of them first, all alike, and nobody is told which.

    Args:
        seeds: Of the game's reset.
        describe: Of a state and a player: the text for a language model, in the place of the game's own.
        action_name: Of a state, a player and an action: its name, likewise.

    Raises:
        ValueError: If there is no seed, or the game is not the same when it is played again.
    """

    def __init__(
        self,
        *,
        seeds: Sequence[int],
        describe: Callable[[Position, int], str] | None,
        action_name: Callable[[Position, int, Any], str] | None,
    ):
        if not len(seeds):
            raise ValueError(f"`seeds` of {self.name} is empty; give at least one.")
        self._seeds, self._describe, self._action_name = tuple(seeds), describe, action_name
        self._check_repeats()

    @abstractmethod
    def replayed(self, seed: int, moves: tuple[Any, ...]) -> Position:
        """The position after moves, in a game of its own."""

    @abstractmethod
    def turn_in(self, env: Any) -> Turn:
        """Who moves in a game that has begun."""

    @abstractmethod
    def text(self, state: Position, player: int) -> str:
        """What a player reads if the user gives nothing else."""

    def start(self) -> Position:
        if len(self._seeds) == 1:
            return self.replayed(self._seeds[0], ())
        return Position(seed=self._seeds[0], moves=(), env=None, known=((), ()), paid=(0.0, 0.0))

    def turn(self, state: Position) -> Turn:
        return Turn.CHANCE if state.env is None else self.turn_in(state.env)

    def next_state(self, state: Position, action: Any) -> Position:
        return self.replayed(action, ()) if state.env is None else self.replayed(state.seed, (*state.moves, action))

    def returns(self, state: Position) -> tuple[float, float]:
        return state.paid

    def chances(self, state: Position) -> Sequence[tuple[float, Action]]:
        return [(1 / len(self._seeds), seed) for seed in self._seeds]

    def action_name(self, state: Position, player: int, action: Any) -> str:
        return self._action_name(state, player, action) if self._action_name else str(action)

    def describe(self, state: Position, player: int) -> str:
        return self._describe(state, player) if self._describe else self.text(state, player)

    def _check_repeats(self) -> None:
        """Refuse a game that goes another way when the same moves are played again."""
        draws = np.random.default_rng(0)
        state = self.replayed(self._seeds[0], ())
        for _ in range(_MOVES_TRIED):
            if self._told(self.replayed(state.seed, state.moves)) != self._told(state):
                raise ValueError(
                    f"{self.name} goes another way when the same moves are played after the same seed, so nothing in it is "
                    "exact; let its chances depend on the seed of its reset alone."
                )
            if (turn := self.turn(state)) == Turn.OVER:
                break
            legal = self.legal_actions(state, turn)
            state = self.next_state(state, legal[int(draws.integers(len(legal)))])

    def _told(self, state: Position) -> tuple[Any, ...]:
        turn = self.turn(state)
        return turn, state.paid, None if turn == Turn.OVER else self.information_state(state, turn)
