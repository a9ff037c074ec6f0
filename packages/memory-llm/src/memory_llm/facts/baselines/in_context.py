"""Retrieval-augmented prompting: the nearest told fact is put before the prompt.

Wording alone moves this baseline a long way, so several are here as data; a fair comparison tunes it.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from jaxtyping import Float
from torch import Tensor

from memory_llm.facts.baselines.base import NoEdit
from memory_llm.facts.baselines.retrieval import FactIndex
from memory_llm.facts.fact import Fact
from memory_llm.facts.method import TargetScore
from memory_llm.text_embedder import TextEmbedder

# One demonstration each of a prompt as it was told, of a paraphrase, and of a prompt that the fact does not concern.
_DEMONSTRATIONS = (
    "New fact: The headquarters of Norvale Bank is in Lisbon.\nPrompt: The headquarters of Norvale Bank is in Lisbon.\n\n"
    "New fact: Ada Brook plays the violin.\nPrompt: The instrument that Ada Brook plays is the violin.\n\n"
    "New fact: The capital of Zembla is Onhava.\nPrompt: The capital of France is Paris.\n\n"
)
WORDINGS: Mapping[str, str] = MappingProxyType(
    {
        "plain": "{text}\n{prompt}",
        "new-fact": "New fact: {text}\nPrompt: {prompt}",
        "demonstrations": _DEMONSTRATIONS + "New fact: {text}\nPrompt: {prompt}",
    }
)
"""Templates by name: ``{text}`` is the fact as a sentence, ``{prompt}`` the question. "demonstrations" follows the
copy, update and retain kinds of IKE (Zheng et al. 2023) with three fixed ones of ours, where IKE retrieves 32."""


class InContext:
    """The nearest fact in front of the prompt; the prompt alone where none is in scope.

    Args:
        decoder: The model that reads the prompts.
        encoder: Finds the fact.
        wording: A name in ``WORDINGS``, or a template with ``{text}`` and ``{prompt}``.
        threshold: Smallest cosine at which a fact is used; None: always.

    Raises:
        ValueError: If ``wording`` is neither.
    """

    def __init__(
        self, decoder: NoEdit, encoder: TextEmbedder, *, wording: str = "new-fact", threshold: float | None = None
    ) -> None:
        self.template = WORDINGS.get(wording, wording)
        if "{text}" not in self.template or "{prompt}" not in self.template:
            raise ValueError(
                f"`wording` must be one of {', '.join(WORDINGS)} or a template with {{text}} and {{prompt}}, "
                f"got {wording!r}."
            )
        self.decoder = decoder
        self.encoder = encoder
        self.threshold = threshold
        scope = "" if threshold is None else f", scope {threshold:g}"
        self.name = f"in context ({wording if wording in WORDINGS else 'own wording'}{scope})"

    def told(self, facts: Sequence[Fact], *, alone: bool = False) -> "InContextAnswerer":
        index = FactIndex(facts, self.encoder, threshold=self.threshold, alone=alone)
        return InContextAnswerer(self.decoder, index, self.template)


class InContextAnswerer:
    """Prompts with their facts before them, read by the plain decoder."""

    def __init__(self, decoder: NoEdit, index: FactIndex, template: str) -> None:
        self._decoder = decoder
        self._index = index
        self._template = template

    def score(self, prompts: Sequence[str], targets: Sequence[str]) -> list[TargetScore]:
        return self._decoder.score(self.with_facts(prompts), targets)

    def next_log_probs(self, prompts: Sequence[str]) -> Float[Tensor, "prompts vocab"]:
        return self._decoder.next_log_probs(self.with_facts(prompts))

    def answer(self, prompts: Sequence[str], *, max_new_tokens: int = 8) -> list[str]:
        return self._decoder.answer(self.with_facts(prompts), max_new_tokens=max_new_tokens)

    def forget(self, ids: Sequence[str]) -> None:
        self._index.forget(ids)

    def with_facts(self, prompts: Sequence[str]) -> list[str]:
        """What the decoder is given for each prompt."""
        return [
            prompt if fact is None else self._fill(fact, prompt)
            for prompt, fact in zip(prompts, self._index.find(prompts), strict=True)
        ]

    def _fill(self, fact: Fact, prompt: str) -> str:
        # Not str.format: other braces of an own template are text.
        before, after = self._template.split("{prompt}", 1)
        return before.replace("{text}", fact.text) + prompt + after.replace("{text}", fact.text)
