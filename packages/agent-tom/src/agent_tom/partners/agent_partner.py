"""Any agent, a language model too, in the partner's seat."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from jaxtyping import Float, Int

from agent_tom.games.matrix_game import MatrixGame
from agent_tom.partners.black_box import BlackBoxPartner

if TYPE_CHECKING:
    from agent_tom.agents.agent import Agent  # agents know partners, so it cannot be imported here


@dataclass(kw_only=True)
class AgentPartner(BlackBoxPartner):
    """An agent that plays the game from the partner's seat, and is not asked for predictions.

    It plays as a copy, so that one agent can play against itself.

    Attributes:
        of: The agent.
        reference_return: Payoff a round that good play gets against it; None if nobody knows.

    Raises:
        ValueError: If the agent must be told its partner's rule.
    """

    name: ClassVar[str] = "agent"
    of: "Agent"
    reference_return: float | int | None = None

    def __post_init__(self) -> None:
        if self.of.informed:
            raise ValueError(
                f"agent {self.of.name!r} must be told the rule of whom it meets, so it cannot be a partner; choose another "
                "agent, or another strategy of a language model."
            )
        self.most_episodes = self.of.most_episodes

    def begin(self, game: MatrixGame, horizon: int, numbers: Sequence[int]) -> None:
        self._payoffs, self._agent = game.partner_payoffs, copy.copy(self.of)
        self._agent.numbers = numbers
        self._agent.begin(game.seen_by_partner(), horizon, len(numbers))
        self.num_draws = self._agent.num_draws

    def act(self, draws: Float[np.ndarray, "episodes draws"]) -> Float[np.ndarray, "episodes partner_actions"]:
        return self._agent.act(draws)

    def observe(self, actions: Int[np.ndarray, " episodes"], own: Int[np.ndarray, " episodes"]) -> None:
        self._agent.observe(own, actions, self._payoffs[actions, own])
