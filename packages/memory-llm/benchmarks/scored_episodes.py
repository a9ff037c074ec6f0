"""Episodes that carry the retriever's scores, so that whoever trains or answers needs no retriever."""

import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from gpu_commons.table_rows import read_rows
from memory_llm.epman import Episode, Retriever, read_episodes
from memory_llm.haystack import Needle, needle


def needles_of(part: str) -> Callable[[np.random.Generator], Needle]:
    """Invented facts about names of which the other part, "train" or "test", has none."""

    def draw(rng: np.random.Generator) -> Needle:
        while True:
            drawn = needle(rng)
            if (zlib.crc32(drawn.cue.encode()) % 2 == 0) == (part == "train"):
                return drawn

    return draw


def scored_rows(episodes: Iterable[Episode], retriever: Retriever) -> Iterator[dict[str, Any]]:
    """Rows of a file of episodes with one more column; most chunks are in many episodes and are encoded once."""
    known: dict[str, Tensor] = {}
    for episode in episodes:
        new = [chunk for chunk in episode.chunks if chunk not in known]
        if new:
            known.update(zip(new, retriever.encode_chunks(new), strict=True))
        encoded = torch.stack([known[chunk] for chunk in episode.chunks])
        scores = retriever.scores([episode.question], episode.chunks, encoded)[0]
        yield {**asdict(episode), "scores": [round(score, 5) for score in scores.tolist()]}


class KnownScores:
    """The retriever whose scores are in a file.

    Attributes:
        episodes: Of the file.
    """

    fingerprint = "known scores"

    def __init__(self, path: Path):
        self.episodes = read_episodes(path)
        columns = (row.field("scores") for row in read_rows(path))
        self._scores = {
            _key(one.question, one.chunks): scores for one, scores in zip(self.episodes, columns, strict=True)
        }

    def encode_chunks(self, texts: Sequence[str]) -> Float[Tensor, "chunks width"]:
        """Nothing is kept."""
        return torch.zeros(len(texts), 0)

    def scores(
        self, questions: Sequence[str], texts: Sequence[str], encoded: Float[Tensor, "chunks width"]
    ) -> Float[Tensor, "questions chunks"]:
        """Of the file."""
        return torch.tensor([self._scores[_key(question, texts)] for question in questions])

    def demote_gold(self, rank: int, gate: float) -> None:
        """Put the gold chunk at a rank (1-based), behind the best of the others, with so small a gate of exact weights.

        The others keep their order and take the places around it; the last one selected has gate 0.
        """
        for episode in self.episodes:
            key = _key(episode.question, episode.chunks)
            others = [row for row in np.argsort(self._scores[key])[::-1].tolist() if row not in episode.gold]
            order = [*others[: rank - 1], episode.gold[0], *others[rank - 1 :]]
            falling = np.concatenate(
                [np.linspace(1.0, 2 * gate, rank - 1), [gate], np.linspace(0, -1, len(order) - rank)]
            )
            scores = np.empty(len(order))
            scores[order] = falling
            self._scores[key] = scores.tolist()


def _key(question: str, chunks: Sequence[str]) -> tuple[str, int]:
    return question, hash(tuple(chunks))
