"""What a partner is: a rule that becomes an automaton once game and horizon are known."""

from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from agent_tom.games.matrix_game import MatrixGame, best_replies
from agent_tom.partners.automaton import Automaton, explore

Outcomes = list[tuple[float, Hashable]]


class Partner(ABC):
    """A rule by which a partner plays any matrix game.

    Attributes:
        name: In registry and tables.
    """

    name: ClassVar[str]

    @abstractmethod
    def automaton(self, game: MatrixGame, horizon: int) -> Automaton:
        """What the rule is in this game, for so many rounds."""


class StateMachine(Partner):
    """A partner told by its states; write three methods to make your own.

    States are whatever Python can hash. :func:`agent_tom.check_partner` says whether a partner keeps the rules.
    """

    @abstractmethod
    def starts(self, game: MatrixGame) -> Mapping[Any, float]:
        """First states and their probabilities."""

    @abstractmethod
    def play(self, game: MatrixGame, state: Any) -> Sequence[float]:
        """Probabilities of the partner's actions in a state."""

    @abstractmethod
    def step(self, game: MatrixGame, state: Any, action: int, own: int) -> Hashable | Outcomes:
        """The state after a round in which the focal player chose ``action`` and the partner ``own``.

        Where chance has a part: a list of pairs of probability and state.
        """

    def automaton(self, game: MatrixGame, horizon: int) -> Automaton:
        return explore(
            starts=self.starts(game),
            play=lambda state: self.play(game, state),
            step=lambda state, action, own: self.step(game, state, action, own),
            num_actions=game.num_actions,
            horizon=horizon,
            name=self.name,
        )


def only(action: int, game: MatrixGame) -> list[float]:
    """The distribution of a partner that is sure of its action.

    Raises:
        ValueError: If the game has no such action of the partner's.
    """
    if not 0 <= action < game.num_partner_actions:
        raise ValueError(
            f"{game.name} has actions 0 to {game.num_partner_actions - 1} for the partner, got {action}; choose one."
        )
    return [float(action == each) for each in range(game.num_partner_actions)]


def even(game: MatrixGame) -> list[float]:
    """The uniform distribution over the partner's actions."""
    return [1 / game.num_partner_actions] * game.num_partner_actions


def counterpart(game: MatrixGame, action: int) -> int:
    """The partner's action that is the same as a focal one; nearest in order where the numbers of actions differ."""
    return round(action * (game.num_partner_actions - 1) / max(game.num_actions - 1, 1))


def best_answer(game: MatrixGame, action: int) -> int:
    """The partner's best reply to a focal action, the first of several."""
    sure = np.eye(game.num_actions)[action]
    return int(best_replies(game.partner_payoffs.T, sure).argmax())


def is_constant_sum(game: MatrixGame) -> bool:
    """Whether what one player wins the other loses."""
    total = game.payoffs + game.partner_payoffs
    return bool(np.allclose(total, total.flat[0]))
