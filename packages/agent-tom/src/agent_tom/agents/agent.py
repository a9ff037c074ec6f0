"""What an agent is: it plays many episodes side by side, and says before each round what its partner will do."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float, Int

from agent_tom.games.matrix_game import MatrixGame
from agent_tom.oracle.best_response import BestResponse
from agent_tom.partners.automaton import Automaton


@dataclass(frozen=True)
class Account:
    """What an agent tells of its episodes beside its play.

    Attributes:
        first_text: All that it read in the first episode before its first action.
        counts: Whole numbers by name.
    """

    first_text: str
    counts: Mapping[str, Int[np.ndarray, "episodes rounds"]]


class Agent(ABC):
    """A focal player. In each round it is asked to ``predict``, then to ``act``, and then told what came of it.

    Episodes are rows. An agent gives distributions and never draws from them: the runner does, from numbers that depend
    on seed, episode and round alone, so that results do not depend on how many episodes are played together.

    Attributes:
        name: In registry and tables.
        num_draws: Uniform random numbers that :meth:`act` needs a round, for agents whose rule is itself random.
        most_episodes: That are played side by side; any number if None.
        numbers: Of the episodes, which the runner sets before :meth:`begin`, for agents whose episodes differ by
            design; None if nobody did.
        legal_mass: Of the last act, how much of its probability fell on actions at all before it was shared out among
            them; None of an agent that cannot do anything else.
    """

    name: ClassVar[str]
    num_draws: int = 0
    most_episodes: int | None = None
    numbers: Sequence[int] | None = None
    legal_mass: Float[np.ndarray, " episodes"] | None = None

    @property
    def informed(self) -> bool:
        """Whether it has to be told its partner's rule."""
        return False

    @abstractmethod
    def begin(self, game: MatrixGame, horizon: int, num_episodes: int) -> None:
        """Forget everything; so many episodes of so many rounds begin."""

    def predict(self) -> Float[np.ndarray, "episodes partner_actions"] | None:
        """Probabilities of the partner's next action; None if the agent has no model of its partner."""
        return None

    @abstractmethod
    def act(self, draws: Float[np.ndarray, "episodes draws"]) -> Float[np.ndarray, "episodes actions"]:
        """Probabilities of the next action."""

    def observe(  # noqa: B027  an agent need not learn
        self,
        actions: Int[np.ndarray, " episodes"],
        partner_actions: Int[np.ndarray, " episodes"],
        payoffs: Float[np.ndarray, " episodes"],
    ) -> None:
        """What was played, and what the agent got."""

    def account(self) -> Account | None:
        """What it tells of the episodes begun last, for records; None of an agent with nothing to tell."""
        return None


class InformedAgent(Agent):
    """An agent that is told the partner's rule and state: a yardstick, not a competitor."""

    @property
    def informed(self) -> bool:
        return True

    @abstractmethod
    def know(self, partner: Automaton, solution: BestResponse) -> None:
        """The partner's rule, and the best play against it."""

    @abstractmethod
    def see(self, states: Int[np.ndarray, " episodes"]) -> None:
        """The partner's state in the round to come."""


class JointMoves:
    """The last joint moves of each episode, as one number: 0 before the first round.

    Args:
        game: What is played.
        num_episodes: Rows.
        order: Joint moves that count.
    """

    def __init__(self, game: MatrixGame, num_episodes: int, order: int = 1):
        self._partner_actions = game.num_partner_actions
        self._base = game.num_actions * game.num_partner_actions + 1
        self.num_contexts = self._base**order
        self.now = np.zeros(num_episodes, dtype=np.int64)

    def add(self, actions: Int[np.ndarray, " episodes"], partner_actions: Int[np.ndarray, " episodes"]) -> None:
        """A further joint move; the oldest is forgotten."""
        move = 1 + actions * self._partner_actions + partner_actions
        self.now = (self.now * self._base + move) % self.num_contexts
