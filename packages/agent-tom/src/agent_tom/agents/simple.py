"""Yardsticks: the best play, random play, one action."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float, Int

from agent_tom.agents.agent import Agent, InformedAgent
from agent_tom.games.matrix_game import MatrixGame
from agent_tom.oracle.best_response import BestResponse
from agent_tom.partners.automaton import Automaton


class Oracle(InformedAgent):
    """The best play against the partner as it is, and its true next distribution as prediction."""

    name: ClassVar[str] = "oracle"

    def begin(self, game: MatrixGame, horizon: int, num_episodes: int) -> None:
        self._round = 0

    def know(self, partner: Automaton, solution: BestResponse) -> None:
        self._action_dist, self._policy = partner.action_dist, solution.policy

    def see(self, states: Int[np.ndarray, " episodes"]) -> None:
        self._states = states

    def predict(self) -> Float[np.ndarray, "episodes partner_actions"]:
        return self._action_dist[self._states]

    def act(self, draws: Float[np.ndarray, "episodes draws"]) -> Float[np.ndarray, "episodes actions"]:
        return self._policy[self._round, self._states]

    def observe(self, actions: np.ndarray, partner_actions: np.ndarray, payoffs: np.ndarray) -> None:
        self._round += 1


@dataclass(kw_only=True)
class Fixed(Agent):
    """One action, or all alike, whatever happens.

    Attributes:
        action: Which (0-based); all alike if absent.
    """

    name: ClassVar[str] = "fixed"
    action: int | None = None

    def begin(self, game: MatrixGame, horizon: int, num_episodes: int) -> None:
        if self.action is not None and not 0 <= self.action < game.num_actions:
            raise ValueError(f"`action` must be 0 to {game.num_actions - 1} in {game.name}, got {self.action}.")
        even = np.full(game.num_actions, 1 / game.num_actions)
        dist = even if self.action is None else np.eye(game.num_actions)[self.action]
        self._dist = np.tile(dist, (num_episodes, 1))

    def act(self, draws: Float[np.ndarray, "episodes draws"]) -> Float[np.ndarray, "episodes actions"]:
        return self._dist
