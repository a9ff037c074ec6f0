"""Told facts, found again by the cosine between a question and their prompts."""

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Int

from memory_llm.facts.fact import Fact
from memory_llm.facts.method import check_alone, check_known
from memory_llm.text_embedder import TextEmbedder


class FactIndex:
    """The told fact that a prompt asks for, or none where it is out of scope.

    Args:
        facts: What was told.
        encoder: Of the facts' prompts and of the questions.
        threshold: Smallest cosine at which a question is in scope; None: every question is. False accepts grow with the
            number of facts, so a threshold belongs to a number of facts.
        alone: Question i sees fact i only.
    """

    def __init__(
        self, facts: Sequence[Fact], encoder: TextEmbedder, *, threshold: float | None = None, alone: bool = False
    ) -> None:
        self.facts = list(facts)
        self.encoder = encoder
        self.threshold = threshold
        self.alone = alone
        self._forgotten: set[str] = set()
        self._keys = self._embed([fact.prompt for fact in self.facts])

    def find(self, prompts: Sequence[str]) -> list[Fact | None]:
        """The nearest fact for each prompt; None below the threshold or where nothing is left.

        Raises:
            ValueError: If the facts were told alone and there are not as many prompts.
        """
        if self.alone:
            check_alone(len(self.facts), len(prompts))
        held = np.array([fact.id not in self._forgotten for fact in self.facts], dtype=bool)
        if not len(prompts) or not held.any():
            return [None] * len(prompts)
        nearest, cosines = self._nearest(self._embed(prompts), held)
        smallest = -math.inf if self.threshold is None else self.threshold
        return [
            self.facts[row] if held[row] and cosine >= smallest else None
            for row, cosine in zip(nearest.tolist(), cosines.tolist(), strict=True)
        ]

    def forget(self, ids: Sequence[str]) -> None:
        """Drop facts by id.

        Raises:
            ValueError: If no fact that is still held has an id.
        """
        check_known(ids, {fact.id for fact in self.facts} - self._forgotten)
        self._forgotten.update(ids)

    def _nearest(
        self, queries: Float[np.ndarray, "prompts width"], held: Bool[np.ndarray, " facts"]
    ) -> tuple[Int[np.ndarray, " prompts"], Float[np.ndarray, " prompts"]]:
        """The fact that each query gets, and its cosine; told alone that is its own, held or not."""
        if self.alone:
            return np.arange(len(queries)), (queries * self._keys).sum(1)
        cosines = np.where(held, queries @ self._keys.T, -np.inf)
        return cosines.argmax(1), cosines.max(1)

    def _embed(self, texts: Sequence[str]) -> Float[np.ndarray, "texts width"]:
        """Each distinct text is embedded once."""
        row_of = {text: row for row, text in enumerate(dict.fromkeys(texts))}
        if not row_of:
            return np.zeros((0, 1))
        return np.asarray(self.encoder.embed(list(row_of)))[[row_of[text] for text in texts]]
