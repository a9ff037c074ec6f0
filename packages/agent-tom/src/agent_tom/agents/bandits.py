"""Learners that know nothing but what each action earned."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float
from scipy.special import ndtri, softmax

from agent_tom.agents.agent import Agent
from agent_tom.games.matrix_game import MatrixGame, greedy

_UNTRIED = 1e9


class Bandit(Agent):
    """Counts and sums of payoffs, scaled to 0..1 by the game's least and largest."""

    def begin(self, game: MatrixGame, horizon: int, num_episodes: int) -> None:
        self._least = game.payoffs.min()
        self._range = max(game.payoffs.max() - self._least, 1e-12)
        self._horizon, self._rows = horizon, np.arange(num_episodes)
        self._counts = np.zeros((num_episodes, game.num_actions))
        self._sums = np.zeros((num_episodes, game.num_actions))

    def observe(self, actions: np.ndarray, partner_actions: np.ndarray, payoffs: np.ndarray) -> None:
        self._counts[self._rows, actions] += 1
        self._sums[self._rows, actions] += self._scaled(payoffs)

    def _scaled(self, payoffs: np.ndarray) -> np.ndarray:
        return (payoffs - self._least) / self._range

    def _means(self) -> np.ndarray:
        return self._sums / np.maximum(self._counts, 1)


@dataclass(kw_only=True)
class UCB(Bandit):
    """The action whose mean could be highest.

    Attributes:
        exploration: Factor of the bonus.

    Source: UCB1 of Auer et al. 2002.
    """

    name: ClassVar[str] = "ucb"
    exploration: float = 2.0

    def act(self, draws: Float[np.ndarray, "episodes draws"]) -> Float[np.ndarray, "episodes actions"]:
        played = np.maximum(self._counts.sum(-1, keepdims=True), 1)
        bonus = np.sqrt(self.exploration * np.log(played) / np.maximum(self._counts, 1))
        return greedy(np.where(self._counts == 0, _UNTRIED, self._means() + bonus))


@dataclass(kw_only=True)
class EXP3(Bandit):
    """Weights that grow with what an action earned, divided by how likely it was; made for adversaries.

    Attributes:
        rate: Of learning and of exploration; by the horizon if absent.

    Source: Auer et al. 2002.
    """

    name: ClassVar[str] = "exp3"
    rate: float | None = None

    def begin(self, game: MatrixGame, horizon: int, num_episodes: int) -> None:
        super().begin(game, horizon, num_episodes)
        count = game.num_actions
        best = np.sqrt(count * np.log(max(count, 2)) / ((np.e - 1) * horizon))
        self._rate = min(1.0, best) if self.rate is None else self.rate
        self._log_weights = np.zeros((num_episodes, count))

    def act(self, draws: Float[np.ndarray, "episodes draws"]) -> Float[np.ndarray, "episodes actions"]:
        self._dist = (1 - self._rate) * softmax(self._log_weights, axis=-1) + self._rate / self._log_weights.shape[1]
        return self._dist

    def observe(self, actions: np.ndarray, partner_actions: np.ndarray, payoffs: np.ndarray) -> None:
        gain = self._scaled(payoffs) / self._dist[self._rows, actions]
        self._log_weights[self._rows, actions] += self._rate * gain / self._log_weights.shape[1]


@dataclass(kw_only=True)
class Thompson(Bandit):
    """Draws what each action may be worth from what is known of it, and takes the best.

    Attributes:
        spread: Standard deviation taken for payoffs on the scale 0..1.

    Source: Thompson 1933; with normal payoffs, and a prior of one round worth a half.
    """

    name: ClassVar[str] = "thompson"
    spread: float = 0.5

    def begin(self, game: MatrixGame, horizon: int, num_episodes: int) -> None:
        super().begin(game, horizon, num_episodes)
        self.num_draws = game.num_actions

    def act(self, draws: Float[np.ndarray, "episodes draws"]) -> Float[np.ndarray, "episodes actions"]:
        seen = self._counts + 1
        return greedy((self._sums + 0.5) / seen + self.spread * ndtri(draws) / np.sqrt(seen))
