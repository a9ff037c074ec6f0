"""Partners made of partners."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from agent_tom.checks import in_range
from agent_tom.games.matrix_game import MatrixGame
from agent_tom.partners.automaton import Automaton, explore, union
from agent_tom.partners.partner import Partner


@dataclass(frozen=True, kw_only=True)
class Noisy(Partner):
    """Another partner whose hand trembles; it remembers what it did, not what it meant.

    Attributes:
        of: That partner.
        epsilon: Probability of a random action instead.
    """

    name: ClassVar[str] = "noisy"
    of: Partner
    epsilon: float = 0.1

    def automaton(self, game: MatrixGame, horizon: int) -> Automaton:
        in_range("epsilon", self.epsilon, 0, 1)
        inner = self.of.automaton(game, horizon)
        mixed = (1 - self.epsilon) * inner.action_dist + self.epsilon / game.num_partner_actions
        return replace(inner, action_dist=mixed)


@dataclass(frozen=True, kw_only=True)
class Permuted(Partner):
    """Another partner that has its actions' names wrong; it takes itself to have done what it meant.

    Attributes:
        of: That partner.
        order: What is played in place of action 0, 1, ...; each action once.
    """

    name: ClassVar[str] = "permuted"
    of: Partner
    order: tuple[int, ...]

    def automaton(self, game: MatrixGame, horizon: int) -> Automaton:
        if sorted(self.order) != list(range(game.num_partner_actions)):
            raise ValueError(
                f"`order` must hold each of 0 to {game.num_partner_actions - 1} once in {game.name}, got {self.order}."
            )
        inner, meant = self.of.automaton(game, horizon), np.argsort(self.order)
        return replace(
            inner,
            action_dist=inner.action_dist[:, meant],
            next_state=inner.next_state[:, :, meant],
            chance=inner.chance[:, :, meant],
        )


@dataclass(frozen=True, kw_only=True)
class Switch(Partner):
    """One partner, and from some round on another, which knows nothing of what was before.

    Attributes:
        of: The first.
        to: The second.
        at: Rounds that the first plays.
    """

    name: ClassVar[str] = "switch"
    of: Partner
    to: Partner
    at: int = 50

    def automaton(self, game: MatrixGame, horizon: int) -> Automaton:
        in_range("at", self.at, 1)
        first, second = self.of.automaton(game, self.at), self.to.automaton(game, max(horizon - self.at, 1))
        begin = [(float(share), (self.at, state)) for state, share in enumerate(second.start) if share > 0]

        def step(state: tuple[int, int], action: int, own: int) -> list[tuple[float, tuple[int, int]]]:
            clock, inner = state
            if clock == self.at - 1:
                return begin
            part, clock = (first, clock + 1) if clock < self.at else (second, clock)
            return [(share, (clock, found)) for share, found in part.outcomes(inner, action, own)]

        found = explore(
            starts={(0, state): float(share) for state, share in enumerate(first.start) if share > 0},
            play=lambda state: (first if state[0] < self.at else second).action_dist[state[1]].tolist(),
            step=step,
            num_actions=game.num_actions,
            horizon=horizon,
            name=self.name,
        )
        return replace(found, horizon=found.horizon if second.horizon is None else horizon)


@dataclass(frozen=True, kw_only=True)
class OneOf(Partner):
    """A partner whose type is drawn for each episode and hidden.

    Attributes:
        pool: The types.
        weights: Their chances; equal if absent. :func:`~agent_tom.partners.hardest_weights` finds the worst.
    """

    name: ClassVar[str] = "one_of"
    pool: tuple[Partner, ...]
    weights: tuple[float | int, ...] | None = None

    def automaton(self, game: MatrixGame, horizon: int) -> Automaton:
        parts = [partner.automaton(game, horizon) for partner in self.pool]
        return union(parts, self.weights or [1.0] * len(parts))
