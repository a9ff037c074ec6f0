"""Episodes that carry the retriever's scores, so that whoever trains or answers needs no retriever."""

import itertools
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from itertools import starmap
from pathlib import Path
from typing import Any

import numpy as np
import torch
from known_scores import KnownScores  # the file beside this one
from torch import Tensor

from gpu_commons.table_rows import read_rows
from memory_llm.epman import DenseRetriever, Episode, read_episodes
from memory_llm.haystack import Needle, needle


def needles_of(part: str) -> Callable[[np.random.Generator], Needle]:
    """Invented facts about names of which the other part, "train" or "test", has none."""

    def draw(rng: np.random.Generator) -> Needle:
        while True:
            drawn = needle(rng)
            if (zlib.crc32(drawn.cue.encode()) % 2 == 0) == (part == "train"):
                return drawn

    return draw


def scored_rows(episodes: Iterable[Episode], retriever: DenseRetriever) -> Iterator[dict[str, Any]]:
    """Rows of a file of episodes with one more column; most chunks are in many episodes and are encoded once."""
    known: dict[str, Tensor] = {}
    for block in batched(episodes, 256):
        new = list({chunk for episode in block for chunk in episode.chunks if chunk not in known})
        known.update(zip(new, retriever.encode_chunks(new), strict=True))
        asked = retriever.encode_questions([episode.question for episode in block])
        for episode, question in zip(block, asked, strict=True):
            scores = torch.stack([known[chunk] for chunk in episode.chunks]) @ question
            yield {**asdict(episode), "scores": [round(score, 5) for score in scores.tolist()]}


def batched(items: Iterable[Episode], size: int) -> Iterator[list[Episode]]:
    """Lists of so many items, the last one shorter."""
    iterator = iter(items)
    while block := list(itertools.islice(iterator, size)):
        yield block


@dataclass(frozen=True)
class ScoredEpisodes:
    """Episodes with the scores of their chunks."""

    episodes: list[Episode]
    scores: list[list[float]]

    @classmethod
    def read(cls, path: Path) -> "ScoredEpisodes":
        """Of a file with a column ``scores``."""
        return cls(read_episodes(path), [row.field("scores") for row in read_rows(path)])

    def retriever(self) -> KnownScores:
        """Who gives these scores."""
        return KnownScores((one.question, one.chunks, scores) for one, scores in self._pairs())

    def demoted(self, rank: int, gate: float) -> "ScoredEpisodes":
        """The gold chunk at a rank (1-based), behind the best of the others, with so small a gate of exact weights.

        The others keep their order and take the places around it; the chunk after the gold one has gate 0.
        """
        return ScoredEpisodes(self.episodes, list(starmap(partial(_demoted, rank=rank, gate=gate), self._pairs())))

    def _pairs(self) -> Iterator[tuple[Episode, list[float]]]:
        return zip(self.episodes, self.scores, strict=True)


def _demoted(episode: Episode, scores: list[float], *, rank: int, gate: float) -> list[float]:
    others = [row for row in np.argsort(scores)[::-1].tolist() if row != episode.gold[0]]
    order = [*others[: rank - 1], episode.gold[0], *others[rank - 1 :]]
    falling = np.concatenate([np.linspace(1.0, 2 * gate, rank - 1), [gate], np.linspace(0, -1, len(order) - rank)])
    found = np.empty(len(order))
    found[order] = falling
    return found.tolist()
