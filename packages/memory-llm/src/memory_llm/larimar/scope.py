"""Does a question concern a fact in memory? Scores from 0 to 1 and a threshold, calibrated on pairs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from memory_llm.larimar.memory import EpisodicMemory
from memory_llm.text_embedder import TextEmbedder

DEFAULT_THRESHOLD = 0.815  # a cosine of 0.63, to start from; `calibrate` finds yours


@runtime_checkable
class ScopeDetector(Protocol):
    """Judges questions against a memory; it sees the question only, never a candidate answer.

    Attributes:
        threshold: Questions scored from here on are in scope.
    """

    threshold: float

    def score(
        self, memory: EpisodicMemory, queries: Float[Tensor, "questions latent"], texts: Sequence[str]
    ) -> Float[Tensor, " questions"]:
        """How much each question concerns some fact of the memory, 0 to 1; 0 for an empty memory."""


class AlwaysIn:
    """Every question is in scope as soon as there is a fact."""

    threshold = 0.5

    def score(
        self, memory: EpisodicMemory, queries: Float[Tensor, "questions latent"], texts: Sequence[str]
    ) -> Float[Tensor, " questions"]:
        """1, or 0 for an empty memory."""
        return torch.full((len(queries),), float(len(memory) > 0))


@dataclass
class EncoderScope:
    """Cosine between a question's encoding and the nearest key, mapped from [-1, 1] to [0, 1].

    Source: Larimar 1.11. Differs: the memory's own keys, so no second model and no side store.
    """

    threshold: float = DEFAULT_THRESHOLD

    def score(
        self, memory: EpisodicMemory, queries: Float[Tensor, "questions latent"], texts: Sequence[str]
    ) -> Float[Tensor, " questions"]:
        """Nearest cosine, as a score."""
        return _best_cosines(memory, queries)


@dataclass
class ResidualScope:
    """How well the readout reconstructs the question: ``1 - ||z_r - z_q|| / 2`` over the encoding part of the readout.

    Source: the released code's unsupervised detector.
    """

    threshold: float = 0.57

    def score(
        self, memory: EpisodicMemory, queries: Float[Tensor, "questions latent"], texts: Sequence[str]
    ) -> Float[Tensor, " questions"]:
        """One minus half the distance, from 0."""
        if not len(memory):
            return torch.zeros(len(queries))
        found = memory.read(queries)[:, : queries.shape[1]]
        return (1 - (found - queries).norm(dim=-1) / 2).clamp(0, 1)


class SentenceScope:
    """Cosine in the space of another sentence encoder between a question and the texts of all facts.

    Args:
        encoder: Any sentence encoder.
        threshold: As a score; 0.85 is a cosine of 0.7, the released code's.

    Source: Larimar's external detector. Differs: a question is taken whole, not by its best sentence.
    """

    def __init__(self, encoder: TextEmbedder, threshold: float = 0.85):
        self.encoder, self.threshold = encoder, threshold
        self._known: dict[str, np.ndarray] = {}

    def score(
        self, memory: EpisodicMemory, queries: Float[Tensor, "questions latent"], texts: Sequence[str]
    ) -> Float[Tensor, " questions"]:
        """Nearest cosine, as a score.

        Raises:
            ValueError: If the memory's log does not keep texts.
        """
        stored = [memory.text(name) for name in memory.ids]
        if any(text is None for text in stored) or (stored and memory.config.log != "full"):
            raise ValueError("`SentenceScope` compares texts, which this memory does not keep; write with log='full'.")
        if not stored:
            return torch.zeros(len(texts))
        self._known = {str(text): self._known[str(text)] for text in stored if text in self._known}
        if new := [str(text) for text in stored if text not in self._known]:
            self._known |= dict(zip(new, self.encoder.embed(new), strict=True))
        cosines = self.encoder.embed(list(texts)) @ np.stack([self._known[str(text)] for text in stored]).T
        return torch.from_numpy((1 + cosines.max(1)) / 2).float()


def in_scope(
    detector: ScopeDetector, memory: EpisodicMemory, queries: Float[Tensor, "questions latent"], texts: Sequence[str]
) -> Bool[Tensor, " questions"]:
    """Which questions concern a fact of the memory."""
    return detector.score(memory, queries, texts) >= detector.threshold


def calibrate(positive: Float[Tensor, " inside"], negative: Float[Tensor, " outside"]) -> tuple[float, float]:
    """Threshold at which as many in-scope questions are rejected as others are accepted, and that error rate.

    Args:
        positive: Scores of questions that do concern the memory.
        negative: Scores of questions that do not.

    Raises:
        ValueError: If there are no scores of a kind.
    """
    for name, scores in (("positive", positive), ("negative", negative)):
        if not len(scores):
            raise ValueError(f"`{name}` holds no scores; give at least one pair of each kind.")
    candidates = torch.cat([positive, negative]).unique()
    rejected = (positive[None] < candidates[:, None]).float().mean(1)
    accepted = (negative[None] >= candidates[:, None]).float().mean(1)
    best = int((rejected - accepted).abs().argmin())
    return float(candidates[best]), float((rejected[best] + accepted[best]) / 2)


def _best_cosines(memory: EpisodicMemory, queries: Float[Tensor, "questions latent"]) -> Float[Tensor, " questions"]:
    best = [found[0][1] if found else -1.0 for found in memory.nearest(queries)]
    return (1 + torch.tensor(best)) / 2
