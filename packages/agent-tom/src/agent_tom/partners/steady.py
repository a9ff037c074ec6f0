"""Partners that take no notice of the focal player."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from agent_tom.checks import in_range
from agent_tom.games.matrix_game import MatrixGame
from agent_tom.partners.partner import Outcomes, StateMachine, even, only


@dataclass(frozen=True, kw_only=True)
class Single(StateMachine):
    """One action all game (the paper's simplest partner).

    Attributes:
        action: Which (0-based); drawn anew for each episode if absent.
    """

    name: ClassVar[str] = "single"
    action: int | None = None

    def starts(self, game: MatrixGame) -> Mapping[int, float]:
        return dict(enumerate(even(game))) if self.action is None else {self.action: 1.0}

    def play(self, game: MatrixGame, state: int) -> Sequence[float]:
        return only(state, game)

    def step(self, game: MatrixGame, state: int, action: int, own: int) -> int:
        return state


@dataclass(frozen=True, kw_only=True)
class Mixture(StateMachine):
    """The same distribution in every round.

    Attributes:
        weights: Of the actions; equal if absent.
    """

    name: ClassVar[str] = "mixture"
    weights: tuple[float | int, ...] | None = None

    def starts(self, game: MatrixGame) -> Mapping[str, float]:
        return {"always": 1.0}

    def play(self, game: MatrixGame, state: str) -> Sequence[float]:
        weights = self.weights or even(game)
        if len(weights) != game.num_partner_actions or min(weights) < 0 or sum(weights) <= 0:
            raise ValueError(
                f"`weights` must be {game.num_partner_actions} numbers of at least 0 in {game.name}, got {weights}."
            )
        return [weight / sum(weights) for weight in weights]

    def step(self, game: MatrixGame, state: str, action: int, own: int) -> str:
        return state


@dataclass(frozen=True, kw_only=True)
class Cycle(StateMachine):
    """Actions in turn, from a place drawn for each episode.

    Attributes:
        length: Actions of the cycle; all of the game's if absent.
    """

    name: ClassVar[str] = "cycle"
    length: int | None = None

    def starts(self, game: MatrixGame) -> Mapping[int, float]:
        length = self._length(game)
        return dict.fromkeys(range(length), 1 / length)

    def play(self, game: MatrixGame, state: int) -> Sequence[float]:
        return only(state, game)

    def step(self, game: MatrixGame, state: int, action: int, own: int) -> int:
        return (state + 1) % self._length(game)

    def _length(self, game: MatrixGame) -> int:
        length = game.num_partner_actions if self.length is None else self.length
        if not 1 <= length <= game.num_partner_actions:
            raise ValueError(
                f"`length` of a cycle must be 1 to {game.num_partner_actions} in {game.name}, got {length}."
            )
        return length


@dataclass(frozen=True, kw_only=True)
class Drift(StateMachine):
    """One action, which now and then becomes another.

    Attributes:
        rate: Probability of a change after a round.
    """

    name: ClassVar[str] = "drift"
    rate: float = 0.05

    def starts(self, game: MatrixGame) -> Mapping[int, float]:
        in_range("rate", self.rate, 0, 1)
        return dict(enumerate(even(game)))

    def play(self, game: MatrixGame, state: int) -> Sequence[float]:
        return only(state, game)

    def step(self, game: MatrixGame, state: int, action: int, own: int) -> Outcomes:
        others = [each for each in range(game.num_partner_actions) if each != state]
        return [(1 - self.rate, state), *((self.rate / len(others), each) for each in others)]
