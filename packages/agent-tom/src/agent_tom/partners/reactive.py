"""Partners that answer the focal player's last moves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from agent_tom.checks import in_range
from agent_tom.games.matrix_game import MatrixGame
from agent_tom.partners.partner import StateMachine, best_answer, counterpart, even, is_constant_sum, only

FIRST = -1
"""State before the first round."""


def answer(game: MatrixGame, action: int) -> int:
    """What tit-for-tat answers: the same action, or where one wins what the other loses, the best reply to it."""
    return best_answer(game, action) if is_constant_sum(game) else counterpart(game, action)


@dataclass(frozen=True, kw_only=True)
class TitForTat(StateMachine):
    """Answers the focal player's last action; its first is drawn for each episode.

    A state is the action that comes next, so that the first one counts as known to the best play.

    Attributes:
        generosity: Probability of the nice action instead of the answer.
        nice: That action.

    Source: the paper's second partner. That it best-replies in rock, paper, scissors, and begins at random, is
    inferred, and confirmed by the regret of the tabular agent.
    """

    name: ClassVar[str] = "tit_for_tat"
    generosity: float = 0.0
    nice: int = 0

    def starts(self, game: MatrixGame) -> Mapping[int, float]:
        return dict(enumerate(even(game)))

    def play(self, game: MatrixGame, state: int) -> Sequence[float]:
        in_range("generosity", self.generosity, 0, 1)
        pairs = zip(only(state, game), only(self.nice, game), strict=True)
        return [(1 - self.generosity) * sure + self.generosity * nice for sure, nice in pairs]

    def step(self, game: MatrixGame, state: int, action: int, own: int) -> int:
        return answer(game, action)


@dataclass(frozen=True, kw_only=True)
class TitForTwoTats(StateMachine):
    """Answers an action that came twice in a row, and is nice otherwise.

    Attributes:
        nice: What it plays then.
    """

    name: ClassVar[str] = "tit_for_two_tats"
    nice: int = 0

    def starts(self, game: MatrixGame) -> Mapping[tuple[int, int], float]:
        return {(FIRST, FIRST): 1.0}

    def play(self, game: MatrixGame, state: tuple[int, int]) -> Sequence[float]:
        before, last = state
        return only(self.nice if last == FIRST or before != last else answer(game, last), game)

    def step(self, game: MatrixGame, state: tuple[int, int], action: int, own: int) -> tuple[int, int]:
        return state[1], action


@dataclass(frozen=True, kw_only=True)
class Grim(StateMachine):
    """Nice until the focal player once is not, and never again.

    Attributes:
        nice: The action it begins with and wants answered by the same.
        punishment: What it plays afterwards; the last action if absent.
    """

    name: ClassVar[str] = "grim"
    nice: int = 0
    punishment: int | None = None

    def starts(self, game: MatrixGame) -> Mapping[str, float]:
        return {"nice": 1.0}

    def play(self, game: MatrixGame, state: str) -> Sequence[float]:
        last = game.num_partner_actions - 1
        return only(self.nice if state == "nice" else last if self.punishment is None else self.punishment, game)

    def step(self, game: MatrixGame, state: str, action: int, own: int) -> str:
        return state if counterpart(game, action) == self.nice else "grim"


@dataclass(frozen=True, kw_only=True)
class WinStayLoseShift(StateMachine):
    """Stays with an action that earned at least the average of its payoffs, and goes on to the next otherwise."""

    name: ClassVar[str] = "win_stay_lose_shift"

    def starts(self, game: MatrixGame) -> Mapping[int, float]:
        return dict(enumerate(even(game)))

    def play(self, game: MatrixGame, state: int) -> Sequence[float]:
        return only(state, game)

    def step(self, game: MatrixGame, state: int, action: int, own: int) -> int:
        won = game.partner_payoffs[action, own] >= game.partner_payoffs.mean()
        return own if won else (own + 1) % game.num_partner_actions


@dataclass(frozen=True, kw_only=True)
class LevelK(StateMachine):
    """Takes the focal player for a thinker of one level less than itself.

    Level 0 plays at random. Level 1 replies best to the focal player's last action; level 2 to the focal player's best
    reply to the partner's last action; and so on.

    Attributes:
        level: At least 0.
    """

    name: ClassVar[str] = "level_k"
    level: int = 2

    def starts(self, game: MatrixGame) -> Mapping[int, float]:
        in_range("level", self.level, 0)
        return {FIRST: 1.0}

    def play(self, game: MatrixGame, state: int) -> Sequence[float]:
        if state == FIRST:
            return even(game)
        views, move = (game, game.seen_by_partner()), state
        for depth in range(self.level):
            # An odd number of replies before the last one is the focal player's.
            view = views[(self.level - 1 - depth) % 2]
            move = best_answer(view, move)
        return only(move, game)

    def step(self, game: MatrixGame, state: int, action: int, own: int) -> int:
        if self.level == 0:
            return state
        return action if self.level % 2 else own


@dataclass(frozen=True, kw_only=True)
class ConditionalCooperator(StateMachine):
    """Plays its last action if the focal player's last one was at least half way up, else its first.

    In public goods, as one of a crowd, that is to contribute if at least half of the others did.
    """

    name: ClassVar[str] = "conditional_cooperator"

    def starts(self, game: MatrixGame) -> Mapping[bool, float]:
        return {True: 0.5, False: 0.5}

    def play(self, game: MatrixGame, state: bool) -> Sequence[float]:
        return only(game.num_partner_actions - 1 if state else 0, game)

    def step(self, game: MatrixGame, state: bool, action: int, own: int) -> bool:
        return 2 * action >= game.num_actions - 1
