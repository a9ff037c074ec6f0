"""The episodes of a training run in their order, each with a seed of its own."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from torch.utils.data import Dataset

from memory_llm.epman.episode import Episode


class Draw(NamedTuple):
    """An episode, and what its noisy gates and the order of its chunks are drawn with."""

    episode: Episode
    seed: int


class EpisodeDraws(Dataset[Draw]):
    """Passes over episodes, each in a random order of its own, one after the other.

    A draw depends on its place in the run alone. So does all that is random about it: a run that was cut off, or that
    is split over several processes, sees what one whole run would have seen.

    Args:
        episodes: To go through.
        passes: How often; the last one may be a part.
        seed: Not negative.
    """

    def __init__(self, episodes: Sequence[Episode], passes: float, *, seed: int = 0):
        self.episodes, self.seed = list(episodes), seed
        self._count = max(1, round(passes * len(self.episodes)))

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, number: int) -> Draw:
        """Draw ``number`` (0-based)."""
        if not 0 <= number < self._count:
            raise IndexError(f"draw {number} of {self._count}")
        done, place = divmod(number, len(self.episodes))
        order = np.random.default_rng([self.seed, done]).permutation(len(self.episodes))
        own = np.random.SeedSequence([self.seed, done, place]).generate_state(1)[0]
        return Draw(self.episodes[int(order[place])], int(own))
