"""Partners that only play: what they do is seen, and the rule behind it is not known."""

from abc import abstractmethod
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from agent_tom.games.matrix_game import MatrixGame
from agent_tom.partners.automaton import Automaton
from agent_tom.partners.partner import Partner


class BlackBoxPartner(Partner):
    """A partner without an automaton. In each round it is asked to ``act``, and then told what came of it.

    Episodes are rows. Like an agent it gives distributions and never draws from them: the runner does, from numbers
    that depend on seed, episode and round alone, so that it does not matter how many episodes are played together.

    The best play against it is not known, so that regret is against what is declared. :func:`agent_tom.check_partner`
    says whether a partner keeps the rules.

    Attributes:
        num_draws: Uniform random numbers that :meth:`act` needs a round, for partners whose rule is itself random; it
            may be set when an episode begins. What such a partner gives is its own draw and not its true distribution.
        most_episodes: That are played side by side; any number if None.
        reference_return: Payoff a round that good play gets against it; None if nobody knows.
    """

    num_draws: int = 0
    most_episodes: int | None = None
    reference_return: float | int | None = None

    @abstractmethod
    def begin(self, game: MatrixGame, horizon: int, numbers: Sequence[int]) -> None:
        """Forget everything; the episodes of these numbers begin, of so many rounds."""

    @abstractmethod
    def act(self, draws: Float[np.ndarray, "episodes draws"]) -> Float[np.ndarray, "episodes partner_actions"]:
        """Probabilities of the partner's next action."""

    def observe(self, actions: Int[np.ndarray, " episodes"], own: Int[np.ndarray, " episodes"]) -> None:
        """What the focal player and the partner played."""

    def automaton(self, game: MatrixGame, horizon: int) -> Automaton:
        """There is none.

        Raises:
            ValueError: Always.
        """
        raise ValueError(
            f"partner {self.name!r} only plays and has no automaton, so the best play against it is not known; give it to "
            "`play` as it is, or choose another partner."
        )
