"""An agent that follows plans made beforehand, one for each episode."""

from typing import ClassVar

import numpy as np
from jaxtyping import Float

from agent_tom.agents.agent import Agent, JointMoves
from agent_tom.games.matrix_game import MatrixGame


class Planned(Agent):
    """Plays what its plan says after the last joint move, round by round.

    Args:
        policies: Distributions over actions, by round, episode and last joint move (0 = none yet).
    """

    name: ClassVar[str] = "planned"

    def __init__(self, policies: Float[np.ndarray, "rounds episodes contexts actions"]):
        self._policies = policies

    def begin(self, game: MatrixGame, horizon: int, num_episodes: int) -> None:
        self._moves, self._rows, self._round = JointMoves(game, num_episodes), np.arange(num_episodes), 0

    def act(self, draws: Float[np.ndarray, "episodes draws"]) -> Float[np.ndarray, "episodes actions"]:
        return self._policies[self._round, self._rows, self._moves.now]

    def observe(self, actions: np.ndarray, partner_actions: np.ndarray, payoffs: np.ndarray) -> None:
        self._moves.add(actions, partner_actions)
        self._round += 1
