"""The paper's tabular agent: optimistic about everything that it has not tried."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float, Int

from agent_tom.agents.agent import Agent, JointMoves
from agent_tom.checks import in_range
from agent_tom.games.matrix_game import MatrixGame, greedy

_TOLERANCE = 1e-6
"""Of values, as a share of their range; far more than what counts as a tie, see :class:`RMax`."""


@dataclass(kw_only=True)
class RMax(Agent):
    """Plans in the model of what it has seen; an action not tried in a state is worth the best payoff for ever.

    A state is the last joint move. An action counts as known there after some visits, and its model is not changed
    afterwards. The prediction is how often the partner made each move in the state, whatever the agent did.

    To win the best payoff for ever is worth as much as something that was never tried. Values are computed from below
    and stop a millionth short, so that the untried has the edge over what was found, and no edge over a best payoff on
    the way to it.

    Attributes:
        visits: After which an action is known.
        discount: Of the next round, at most 0.999.

    Source: the paper's "tabular" agent; Brafman and Tennenholtz 2002. Pinned by its published regrets: with
    ``visits=1`` and ``discount=0.9`` all six are met.
    """

    name: ClassVar[str] = "rmax"
    visits: int = 1
    discount: float = 0.9

    def begin(self, game: MatrixGame, horizon: int, num_episodes: int) -> None:
        in_range("visits", self.visits, 1)
        in_range("discount", self.discount, 0, 0.999)
        self._game, self._moves, self._rows = game, JointMoves(game, num_episodes), np.arange(num_episodes)
        contexts, actions, others = self._moves.num_contexts, game.num_actions, game.num_partner_actions
        self._best, self._worst = (bound / (1 - self.discount) for bound in (game.payoffs.max(), game.payoffs.min()))
        self._tried = np.zeros((num_episodes, contexts, actions, others))
        self._seen = np.zeros((num_episodes, contexts, others))
        self._values = np.full((num_episodes, contexts, actions), self._best)

    def predict(self) -> Float[np.ndarray, "episodes partner_actions"]:
        counts = self._seen[self._rows, self._moves.now] + 1 / self._game.num_partner_actions
        return counts / counts.sum(-1, keepdims=True)

    def act(self, draws: Float[np.ndarray, "episodes draws"]) -> Float[np.ndarray, "episodes actions"]:
        return greedy(self._values[self._rows, self._moves.now])

    def observe(self, actions: np.ndarray, partner_actions: np.ndarray, payoffs: np.ndarray) -> None:
        before = self._moves.now
        self._seen[self._rows, before, partner_actions] += 1
        known = self._tried[self._rows, before, actions].sum(-1) >= self.visits
        learning = self._rows[~known]
        self._tried[learning, before[learning], actions[learning], partner_actions[learning]] += 1
        self._moves.add(actions, partner_actions)
        became_known = self._tried[learning, before[learning], actions[learning]].sum(-1) >= self.visits
        if became_known.any():
            self._plan(learning[became_known])

    def _plan(self, rows: Int[np.ndarray, " rows"]) -> None:
        """Value iteration in the models of some episodes, from below and not quite to the end."""
        tried = self._tried[rows]
        visits = tried.sum(-1)
        known = visits >= self.visits
        model = tried / np.maximum(visits, 1)[..., None]
        now = (model * self._game.payoffs).sum(-1)
        values = np.where(known, self._worst, self._best)
        moving = np.ones((len(rows), 1, 1), dtype=bool)  # each episode by itself, whatever the others need
        while moving.any():
            # The state after a joint move is that move, whatever was before.
            ahead = values.max(-1)[:, 1:].reshape(len(rows), 1, *self._game.payoffs.shape)
            updated = np.where(known, now + self.discount * (model * ahead).sum(-1), self._best)
            change = np.abs(updated - values).max((1, 2), keepdims=True)
            values = np.where(moving, updated, values)
            moving &= change > _TOLERANCE * max(self._best - self._worst, 1.0)
        self._values[rows] = values
