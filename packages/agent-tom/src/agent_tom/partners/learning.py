"""Partners that learn, on grids that make them finite."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from agent_tom.checks import in_range
from agent_tom.games.matrix_game import MatrixGame, greedy
from agent_tom.partners.partner import StateMachine, even

Scores = tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class FictitiousPlayer(StateMachine):
    """Replies best to how often the focal player has played each action; ties are broken at random.

    A state is what each own action would have earned so far, less than the best one: counts that differ in nothing else
    lead to the same play.

    Source: Brown 1951.
    """

    name: ClassVar[str] = "fictitious_player"

    def starts(self, game: MatrixGame) -> Mapping[Scores, float]:
        return {(0.0,) * game.num_partner_actions: 1.0}

    def play(self, game: MatrixGame, state: Scores) -> Sequence[float]:
        return greedy(np.array(state)).tolist()

    def step(self, game: MatrixGame, state: Scores, action: int, own: int) -> Scores:
        scores = [score + payoff for score, payoff in zip(state, game.partner_payoffs[action].tolist(), strict=True)]
        best = max(scores)
        return tuple(round(score - best, 9) for score in scores)


@dataclass(frozen=True, kw_only=True)
class QLearner(StateMachine):
    """A learner without memory of moves, whose values lie on a grid.

    A new value is rounded towards the news, so that it reaches the ends; between two levels it swings.

    Attributes:
        epsilon: Probability of a random action.
        learning_rate: Share of the new payoff in a value.
        levels: Values of the grid, from the least payoff to the largest.
    """

    name: ClassVar[str] = "q_learner"
    epsilon: float = 0.1
    learning_rate: float = 0.5
    levels: int = 5

    def starts(self, game: MatrixGame) -> Mapping[tuple[int, ...], float]:
        in_range("levels", self.levels, 2)
        for name in ("epsilon", "learning_rate"):
            in_range(name, getattr(self, name), 0, 1)
        return {(self.levels // 2,) * game.num_partner_actions: 1.0}

    def play(self, game: MatrixGame, state: tuple[int, ...]) -> Sequence[float]:
        best = greedy(np.array(state, dtype=float))
        return ((1 - self.epsilon) * best + self.epsilon * np.array(even(game))).tolist()

    def step(self, game: MatrixGame, state: tuple[int, ...], action: int, own: int) -> tuple[int, ...]:
        least, most = game.partner_payoffs.min(), game.partner_payoffs.max()
        payoff = (game.partner_payoffs[action, own] - least) / max(most - least, 1e-12) * (self.levels - 1)
        value = (1 - self.learning_rate) * state[own] + self.learning_rate * payoff
        moved = int(np.ceil(value - 1e-9)) if payoff > state[own] else int(np.floor(value + 1e-9))
        return (*state[:own], moved, *state[own + 1 :])


@dataclass(frozen=True, kw_only=True)
class Markov(StateMachine):
    """A table of what is played after the last joint moves; before there are so many, each action alike.

    Attributes:
        order: Joint moves that count.
        table: A row of probabilities for each ``order`` joint moves, oldest first, a joint move being
            ``action * partner's actions + own``; drawn from ``seed`` if absent.
        seed: Of that.
    """

    name: ClassVar[str] = "markov"
    order: int = 1
    table: tuple[tuple[float | int, ...], ...] | None = None
    seed: int = 0

    def starts(self, game: MatrixGame) -> Mapping[tuple[int, ...], float]:
        in_range("order", self.order, 1)
        return {(): 1.0}

    def play(self, game: MatrixGame, state: tuple[int, ...]) -> Sequence[float]:
        joint = game.num_actions * game.num_partner_actions
        if len(state) < self.order:
            return even(game)
        row = 0
        for move in state:
            row = row * joint + move
        return self._table(game, joint**self.order)[row]

    def step(self, game: MatrixGame, state: tuple[int, ...], action: int, own: int) -> tuple[int, ...]:
        return (*state, action * game.num_partner_actions + own)[-self.order :]

    def _table(self, game: MatrixGame, rows: int) -> Sequence[Sequence[float]]:
        if self.table is None:
            draws = np.random.default_rng(self.seed).dirichlet(np.full(game.num_partner_actions, 0.3), size=rows)
            return draws.tolist()
        if len(self.table) != rows or {len(row) for row in self.table} != {game.num_partner_actions}:
            raise ValueError(
                f"`table` of order {self.order} must have {rows} rows of {game.num_partner_actions} in {game.name}, got "
                f"{len(self.table)}."
            )
        return self.table
