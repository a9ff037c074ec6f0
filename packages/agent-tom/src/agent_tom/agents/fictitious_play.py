"""Count what the partner does, and reply best to it."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float

from agent_tom.agents.agent import Agent, JointMoves
from agent_tom.checks import in_range
from agent_tom.games.matrix_game import MatrixGame, best_replies


@dataclass(kw_only=True)
class FictitiousPlay(Agent):
    """Replies best to the partner's frequencies after the last joint moves; ties are broken at random.

    It looks one round ahead, so that it never gives to be given: best against partners that take no notice of it.

    Attributes:
        order: Joint moves that count; with 0 all rounds are alike.
        prior: Rounds' worth of all actions alike that count from the beginning.

    Source: Brown 1951 for order 0.
    """

    name: ClassVar[str] = "fictitious_play"
    order: int = 0
    prior: float = 1.0

    def begin(self, game: MatrixGame, horizon: int, num_episodes: int) -> None:
        in_range("order", self.order, 0)
        if self.prior <= 0:
            raise ValueError(f"`prior` must be above 0, got {self.prior}.")
        self._game, self._moves = game, JointMoves(game, num_episodes, self.order)
        shape = (num_episodes, self._moves.num_contexts, game.num_partner_actions)
        self._counts = np.full(shape, self.prior / game.num_partner_actions)
        self._rows = np.arange(num_episodes)

    def predict(self) -> Float[np.ndarray, "episodes partner_actions"]:
        counts = self._counts[self._rows, self._moves.now]
        return counts / counts.sum(-1, keepdims=True)

    def act(self, draws: Float[np.ndarray, "episodes draws"]) -> Float[np.ndarray, "episodes actions"]:
        return best_replies(self._game.payoffs, self.predict())

    def observe(self, actions: np.ndarray, partner_actions: np.ndarray, payoffs: np.ndarray) -> None:
        self._counts[self._rows, self._moves.now, partner_actions] += 1
        self._moves.add(actions, partner_actions)
