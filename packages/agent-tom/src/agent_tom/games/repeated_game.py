"""A matrix game played again and again, as a PettingZoo environment."""

from typing import Any

from gymnasium import spaces
from pettingzoo import ParallelEnv

from agent_tom.games.matrix_game import MatrixGame

FOCAL, PARTNER = "focal", "partner"


class RepeatedGame(ParallelEnv[str, int, int]):
    """Both players move at once, see the joint move, and play on until the horizon.

    An observation is the last joint move, ``1 + own * other's actions + other's``, each from the player's own seat,
    and 0 before the first. After the last round both players are truncated.

    Args:
        game: What a round is worth.
        horizon: Rounds, at least 1.
        render_mode: "ansi", or None.

    Raises:
        ValueError: If the horizon is shorter; :meth:`step` raises it for actions that are not there.
    """

    metadata: dict[str, Any] = {"name": "repeated_game_v0", "render_modes": ["ansi"]}  # noqa: RUF012  as PettingZoo has it

    def __init__(self, game: MatrixGame, horizon: int, render_mode: str | None = None):
        if horizon < 1:
            raise ValueError(f"`horizon` must be at least 1, got {horizon}.")
        self.game, self.horizon, self.render_mode = game, horizon, render_mode
        self.possible_agents = [FOCAL, PARTNER]
        self.agents: list[str] = []
        rows, columns = game.num_actions, game.num_partner_actions
        self.action_spaces = {FOCAL: spaces.Discrete(rows), PARTNER: spaces.Discrete(columns)}
        seen = spaces.Discrete(rows * columns + 1)
        self.observation_spaces = {FOCAL: seen, PARTNER: seen}
        # All that a round can bring, looked up by the joint move: rounds are many and dictionaries are cheap to copy.
        self._outcomes = [
            [
                (
                    {FOCAL: 1 + row * columns + column, PARTNER: 1 + column * rows + row},
                    {FOCAL: float(game.payoffs[row, column]), PARTNER: float(game.partner_payoffs[row, column])},
                )
                for column in range(columns)
            ]
            for row in range(rows)
        ]
        self._going_on = {FOCAL: False, PARTNER: False}
        self._over = {FOCAL: True, PARTNER: True}
        self._round, self._last = 0, (-1, -1)

    def observation_space(self, agent: str) -> spaces.Discrete:
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> spaces.Discrete:
        return self.action_spaces[agent]

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, int], dict[str, dict[str, Any]]]:
        """Begin anew; nothing here is random, so that a seed seeds the action spaces alone."""
        if seed is not None:
            for number, space in enumerate(self.action_spaces.values()):
                space.seed(seed + number)
        self.agents = [FOCAL, PARTNER]
        self._round, self._last = 0, (-1, -1)
        return {FOCAL: 0, PARTNER: 0}, {FOCAL: {}, PARTNER: {}}

    def step(
        self, actions: dict[str, Any]
    ) -> tuple[dict[str, int], dict[str, float], dict[str, bool], dict[str, bool], dict[str, dict[str, Any]]]:
        """Play a round."""
        if not self.agents:
            raise ValueError("the game is over; call `reset` to play again.")
        try:
            own, other = actions[FOCAL], actions[PARTNER]
            if own < 0 or other < 0:
                raise IndexError
            observations, rewards = self._outcomes[own][other]
        except (KeyError, IndexError, TypeError) as error:
            raise ValueError(
                f"`actions` of {self.game.name} must give {FOCAL!r} one of 0 to {self.game.num_actions - 1} and "
                f"{PARTNER!r} one of 0 to {self.game.num_partner_actions - 1}, got {actions}."
            ) from error
        self._round, self._last = self._round + 1, (own, other)
        truncated = self._going_on
        if self._round == self.horizon:
            truncated, self.agents = self._over, []
        return observations.copy(), rewards.copy(), self._going_on.copy(), truncated.copy(), {FOCAL: {}, PARTNER: {}}

    def render(self) -> str | None:
        """The last round in words, in mode "ansi"."""
        if self.render_mode != "ansi":
            return None
        if self._round == 0:
            return f"{self.game.name}: nothing played"
        own, other = self._last
        return (
            f"{self.game.name}, round {self._round} of {self.horizon}: {self.game.actions[own]} against "
            f"{self.game.partner_actions[other]}, {self.game.payoffs[own, other]:g} to "
            f"{self.game.partner_payoffs[own, other]:g}"
        )
