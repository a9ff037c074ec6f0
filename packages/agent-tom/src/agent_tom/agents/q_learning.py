"""Q-learning on the last joint move."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float

from agent_tom.agents.agent import Agent, JointMoves
from agent_tom.checks import in_range
from agent_tom.games.matrix_game import MatrixGame, greedy


@dataclass(kw_only=True)
class QLearning(Agent):
    """A table of action values, in which a random action is taken now and then.

    Attributes:
        learning_rate: Share of the new estimate.
        discount: Of the next round.
        epsilon: Probability of a random action.

    Source: Watkins 1989.
    """

    name: ClassVar[str] = "q_learning"
    learning_rate: float = 0.5
    discount: float = 0.9
    epsilon: float = 0.1

    def begin(self, game: MatrixGame, horizon: int, num_episodes: int) -> None:
        for name in ("learning_rate", "discount", "epsilon"):
            in_range(name, getattr(self, name), 0, 1)
        self._moves = JointMoves(game, num_episodes)
        self._values = np.zeros((num_episodes, self._moves.num_contexts, game.num_actions))
        self._rows = np.arange(num_episodes)

    def act(self, draws: Float[np.ndarray, "episodes draws"]) -> Float[np.ndarray, "episodes actions"]:
        best = greedy(self._values[self._rows, self._moves.now])
        return (1 - self.epsilon) * best + self.epsilon / best.shape[1]

    def observe(self, actions: np.ndarray, partner_actions: np.ndarray, payoffs: np.ndarray) -> None:
        before = self._moves.now
        self._moves.add(actions, partner_actions)
        aim = payoffs + self.discount * self._values[self._rows, self._moves.now].max(-1)
        place = (self._rows, before, actions)
        self._values[place] += self.learning_rate * (aim - self._values[place])
