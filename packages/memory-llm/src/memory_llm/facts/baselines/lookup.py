"""Retrieve the nearest told fact and put out its stored target, without asking the model.

The trivial rival of every memory: it needs no training and spells any string, but it says its target to whatever is in
scope. A memory that is not better than this has only learnt to retrieve.
"""

import math
from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor

from memory_llm.facts.baselines.base import NoEdit
from memory_llm.facts.baselines.retrieval import FactIndex
from memory_llm.facts.fact import Fact
from memory_llm.facts.method import TargetScore
from memory_llm.facts.teacher_forcing import target_tokens
from memory_llm.text_embedder import TextEmbedder

_REST = 1e-6  # probability that all tokens but the emitted one share


class Lookup:
    """The stored target of the nearest fact; the plain decoder's answer where none is in scope.

    Args:
        decoder: Answers out of scope, and says which token a string begins with.
        encoder: Finds the fact.
        threshold: Smallest cosine at which a stored target is put out; None: always.
    """

    def __init__(self, decoder: NoEdit, encoder: TextEmbedder, *, threshold: float | None = None) -> None:
        self.decoder = decoder
        self.encoder = encoder
        self.threshold = threshold
        self.name = "lookup" if threshold is None else f"lookup (scope {threshold:g})"

    def told(self, facts: Sequence[Fact], *, alone: bool = False) -> "LookupAnswerer":
        return LookupAnswerer(self.decoder, FactIndex(facts, self.encoder, threshold=self.threshold, alone=alone))


class LookupAnswerer:
    """Stored strings in scope, the decoder outside.

    A stored string is certain: a target has the log-probability 0 if it is that string, else minus infinity. The
    next-token distribution leaves 1e-6 to the other tokens, evenly, so that a KL from the base model is finite; its
    size is set by that choice.
    """

    def __init__(self, decoder: NoEdit, index: FactIndex) -> None:
        self._decoder = decoder
        self._index = index

    def score(self, prompts: Sequence[str], targets: Sequence[str]) -> list[TargetScore]:
        found = self._index.find(prompts)
        outside = [row for row, fact in enumerate(found) if fact is None]
        plain = self._decoder.score([prompts[row] for row in outside], [targets[row] for row in outside])
        scores = dict(zip(outside, plain, strict=True))
        for row, fact in enumerate(found):
            if fact is not None:
                scores[row] = self._certain(fact, targets[row])
        return [scores[row] for row in range(len(prompts))]

    def next_log_probs(self, prompts: Sequence[str]) -> Float[Tensor, "prompts vocab"]:
        log_probs = self._decoder.next_log_probs(prompts).clone()
        for row, fact in enumerate(self._index.find(prompts)):
            if fact is not None:
                log_probs[row] = math.log(_REST / (log_probs.shape[1] - 1))
                log_probs[row, self._tokens(fact.target)[0]] = math.log1p(-_REST)
        return log_probs

    def answer(self, prompts: Sequence[str], *, max_new_tokens: int = 8) -> list[str]:
        """Stored strings come whole, however many tokens they have."""
        found = self._index.find(prompts)
        outside = [row for row, fact in enumerate(found) if fact is None]
        plain = self._decoder.answer([prompts[row] for row in outside], max_new_tokens=max_new_tokens)
        answers = dict(zip(outside, plain, strict=True))
        return [fact.target if fact is not None else answers[row] for row, fact in enumerate(found)]

    def forget(self, ids: Sequence[str]) -> None:
        self._index.forget(ids)

    def _certain(self, fact: Fact, target: str) -> TargetScore:
        whole = fact.target == target
        first = self._tokens(fact.target)[0] == self._tokens(target)[0]
        return TargetScore(0.0 if whole else -math.inf, first, whole)

    def _tokens(self, target: str) -> list[int]:
        return target_tokens(self._decoder.tokenizer, [target])[0]
