"""Random numbers that depend on seed, episode and round, and on nothing else."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

_GOLDEN = (5**0.5 - 1) / 2
_AGENT, _PARTNER = 0, 1


class Chance:
    """All uniform numbers of some episodes.

    Args:
        seed: Of everything.
        episodes: Their numbers.
        horizon: Rounds.
        agent_draws: Numbers that the agent needs a round, beside the one for its action.
        partner_draws: Likewise the partner.

    Attributes:
        start: For the partner's first state. They are spread evenly, so that after any number of episodes each state
            has begun nearly as often as it should.
        agent: For the agent's action, and its own.
        partner: For the partner's action, and its own.
    """

    start: Float[np.ndarray, " episodes"]
    agent: Float[np.ndarray, "episodes rounds numbers"]
    partner: Float[np.ndarray, "episodes rounds numbers"]

    def __init__(self, seed: int, episodes: Sequence[int], horizon: int, agent_draws: int = 0, partner_draws: int = 1):
        first = np.random.default_rng([seed]).random()
        self.start = (first + _GOLDEN * np.array(episodes)) % 1
        self.agent = np.stack([self._rounds(seed, one, _AGENT, horizon, 1 + agent_draws) for one in episodes])
        self.partner = np.stack([self._rounds(seed, one, _PARTNER, horizon, 1 + partner_draws) for one in episodes])

    @staticmethod
    def _rounds(seed: int, episode: int, who: int, horizon: int, numbers: int) -> np.ndarray:
        return np.random.default_rng([seed, episode, who]).random((horizon, numbers))


def drawn(dists: Float[np.ndarray, "rows choices"], numbers: Float[np.ndarray, " rows"]) -> Int[np.ndarray, " rows"]:
    """A choice from each row's distribution, by a uniform number; one of probability 0 is never taken."""
    ends = dists.cumsum(-1)
    return (ends <= (numbers * ends[:, -1])[:, None]).sum(-1)
