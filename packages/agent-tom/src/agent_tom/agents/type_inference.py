"""Bayes over a pool of partners: a strong yardstick for agents that have to find out whom they meet."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float

from agent_tom.agents.agent import Agent
from agent_tom.checks import in_range
from agent_tom.games.matrix_game import MatrixGame, greedy
from agent_tom.oracle.best_response import best_response
from agent_tom.partners.automaton import Automaton
from agent_tom.partners.combined import OneOf
from agent_tom.partners.registry import make_partner

POOL = (
    "single",
    "tit_for_tat",
    "uniform",
    "cycle",
    "win_stay_lose_shift",
    "noisy_single",
    "noisy_tit_for_tat",
    "tit_for_two_tats",
)
MOST_STATES = 300


@dataclass(kw_only=True)
class TypeInference(Agent):
    """Knows a pool of partners, keeps the odds of each state of each, and looks some rounds ahead.

    Looking ahead takes into account what the coming moves would tell. Beyond it, values are averages over play that
    knows its partner (QMDP, Littman et al. 1995), which alone would never play in order to find out. A move that no
    partner of the pool can make sets the odds back to those at the beginning.

    A pool with "grim" makes it careful: a partner that never forgives cannot be told from one that never minds without
    the risk of losing the rest of the game, and then it is right not to try.

    Attributes:
        pool: Names of partners, all equally likely.
        depth: Rounds to look ahead; if absent 3 in games of two by two actions, where it takes three to see a partner's
            answer and whether it forgives, and 2 in larger ones.

    Raises:
        ValueError: If the pool has more than 300 states in a game.
    """

    name: ClassVar[str] = "type_inference"
    pool: tuple[str, ...] = POOL
    depth: int | None = None

    def begin(self, game: MatrixGame, horizon: int, num_episodes: int) -> None:
        partner = OneOf(pool=tuple(map(make_partner, self.pool))).automaton(game, horizon)
        if partner.num_states > MOST_STATES:
            raise ValueError(
                f"`pool` has {partner.num_states} states in {game.name} over {horizon} rounds, at most {MOST_STATES}; "
                "leave partners with a long memory out."
            )
        self._game, self._partner, self._horizon = game, partner, horizon
        self._moves = joint_transitions(partner)
        self._payoffs = partner.action_dist @ game.payoffs.T
        self._action_values = best_response(game, partner, horizon).action_values
        self._beliefs = np.tile(partner.start, (num_episodes, 1))
        in_range("depth", 0 if self.depth is None else self.depth, 0)
        self._depth = (3 if game.payoffs.size <= 4 else 2) if self.depth is None else self.depth
        self._round = 0

    def predict(self) -> Float[np.ndarray, "episodes partner_actions"]:
        return self._beliefs @ self._partner.action_dist

    def act(self, draws: Float[np.ndarray, "episodes draws"]) -> Float[np.ndarray, "episodes actions"]:
        return greedy(self._lookahead(self._beliefs, self._round, self._depth))

    def observe(self, actions: np.ndarray, partner_actions: np.ndarray, payoffs: np.ndarray) -> None:
        after = np.einsum("ns,nsz->nz", self._beliefs, self._moves[actions, partner_actions])
        total = after.sum(-1, keepdims=True)
        self._beliefs = np.where(total > 0, after / np.where(total > 0, total, 1), self._partner.start)
        self._round += 1

    def _lookahead(
        self, beliefs: Float[np.ndarray, "*batch states"], played: int, depth: int
    ) -> Float[np.ndarray, "*batch actions"]:
        """Values of actions under beliefs that need not sum to 1, so that a branch brings its own probability."""
        if depth == 0 or played == self._horizon - 1:
            return beliefs @ self._action_values[played]
        after = np.einsum("...s,absz->...abz", beliefs, self._moves, optimize=True)
        return beliefs @ self._payoffs + self._lookahead(after, played + 1, depth - 1).max(-1).sum(-1)


def joint_transitions(partner: Automaton) -> Float[np.ndarray, "actions partner_actions states states"]:
    """Of each joint move: from each state, the chance that the partner makes its part of it and comes to each state."""
    states, actions, others, outcomes = partner.next_state.shape
    moves = np.zeros((actions, others, states, states))
    share = partner.action_dist[:, None, :, None] * partner.chance
    place = np.indices((states, actions, others, outcomes))
    np.add.at(moves, (place[1], place[2], place[0], partner.next_state), share)
    return moves
