"""Edit a language model's facts: write, ask, forget, undo, and see why an answer came about."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from memory_llm.facts import Fact
from memory_llm.larimar.memory import EpisodicMemory
from memory_llm.larimar.pipeline import Larimar
from memory_llm.larimar.receipts import ForgetReceipt, WriteReceipt
from memory_llm.larimar.scope import DEFAULT_THRESHOLD, EncoderScope, ScopeDetector, in_scope

AWARE_THRESHOLD = 0.725  # a cosine of 0.45: what is farther from every fact need not come to the connector


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """Why a question is answered as it is.

    Attributes:
        nearest: Facts with the nearest keys, (id, text, cosine), nearest first.
        scope_score: 0 to 1.
        in_scope: Whether the memory is asked; else the base model answers.
    """

    nearest: tuple[tuple[str, str | None, float], ...]
    scope_score: float
    in_scope: bool


class LarimarEditor:
    """A model whose facts can be changed while it runs, each in one forward pass of the encoder.

    Args:
        larimar: Model and tokenizers.
        memory: What it knows; an empty one with 4096 slots that grows if absent.
        scope: Decides which questions the memory is asked about; all others go to the base model, bit for bit. The
            cosine of keys if absent, with a low threshold where the connector itself is aware of the question.
    """

    def __init__(self, larimar: Larimar, memory: EpisodicMemory | None = None, scope: ScopeDetector | None = None):
        self.larimar = larimar
        self.memory = memory if memory is not None else larimar.new_memory(num_slots=4096, on_overflow="grow")
        aware = larimar.model.config.connector == "tokens" and larimar.model.config.query_aware
        self.scope: ScopeDetector = scope or EncoderScope(AWARE_THRESHOLD if aware else DEFAULT_THRESHOLD)

    def edit(self, facts: Sequence[Fact] | Fact, *, truncate: bool = False) -> WriteReceipt:
        """Write facts; all of them or, on an error, none."""
        facts = [facts] if isinstance(facts, Fact) else list(facts)
        keys, values = self.larimar.facts(
            [fact.prompt for fact in facts], [fact.target for fact in facts], truncate=truncate
        )
        return self.memory.write(keys, values, [fact.id for fact in facts], [fact.text for fact in facts])

    def change(self, fact_id: str, fact: Fact) -> WriteReceipt:
        """Give a fact another target; its prompt stays."""
        _, values = self.larimar.facts([fact.prompt], [fact.target])
        return self.memory.update(fact_id, values[0], fact.text)

    def forget(self, ids: Sequence[str] | str, *, final: bool = True) -> ForgetReceipt:
        """Take facts out as if they had never been written; see :meth:`EpisodicMemory.forget`."""
        return self.memory.forget([ids] if isinstance(ids, str) else list(ids), final=final)

    def undo(self) -> tuple[str, ...]:
        """Take back the last edit; returns the ids it concerned."""
        return self.memory.undo()

    def ask(self, prompts: Sequence[str] | str, *, max_new_tokens: int = 16, **generation: Any) -> list[str]:
        """Continue prompts, with the memory where it has something to say.

        Args:
            prompts: One or several.
            max_new_tokens: Longest continuation.
            generation: Further arguments of transformers' ``generate`` (``do_sample``, ``num_beams`` ...); one sequence
                a prompt.
        """
        prompts = [prompts] if isinstance(prompts, str) else list(prompts)
        queries = self.larimar.encode(prompts, truncate=True)
        scoped = in_scope(self.scope, self.memory, queries, prompts)
        latents = self.memory.read(queries)
        return continue_scoped(
            self.larimar, prompts, latents, queries, scoped, max_new_tokens=max_new_tokens, **generation
        )

    def explain(self, prompt: str, *, count: int = 3) -> Explanation:
        """The nearest facts and the scope of a question."""
        query = self.larimar.encode([prompt], truncate=True)
        score = float(self.scope.score(self.memory, query, [prompt])[0])
        nearest = tuple((name, self.memory.text(name), cosine) for name, cosine in self.memory.nearest(query, count)[0])
        return Explanation(nearest=nearest, scope_score=score, in_scope=score >= self.scope.threshold)

    def save_memory(self, folder: str | os.PathLike[str]) -> None:
        """Write the memory into a folder."""
        self.memory.save_pretrained(folder)


def continue_scoped(
    larimar: Larimar,
    prompts: Sequence[str],
    latents: Float[Tensor, "prompts value"],
    queries: Float[Tensor, "prompts latent"],
    scoped: Bool[Tensor, " prompts"],
    *,
    batch_size: int | None = None,
    **generation: Any,
) -> list[str]:
    """Continuations with the memory where a prompt is in scope and of the base model elsewhere, in the order given; all
    prompts of a kind share a batch unless ``batch_size`` bounds it.
    """
    answers = [""] * len(prompts)
    for inside in (True, False):
        rows = (scoped == inside).nonzero().flatten().tolist()
        step = batch_size or max(len(rows), 1)
        for some in (rows[start : start + step] for start in range(0, len(rows), step)):
            memory: dict[str, Any] = {"latents": latents[some], "queries": queries[some]} if inside else {}
            said = continue_prompts(larimar, [prompts[row] for row in some], **memory, **generation)
            for row, text in zip(some, said, strict=True):
                answers[row] = text
    return answers


@torch.inference_mode()
def continue_prompts(
    larimar: Larimar,
    prompts: Sequence[str],
    *,
    latents: Float[Tensor, "prompts value"] | None = None,
    queries: Float[Tensor, "prompts latent"] | None = None,
    max_new_tokens: int = 16,
    **generation: Any,
) -> list[str]:
    """Greedy (unless told otherwise) continuations, with what a memory says to each prompt."""
    tokenizer, device = larimar.tokenizer, larimar.device
    tokens = tokenizer(list(prompts), return_tensors="pt", padding=True).to(device)
    arguments: dict[str, Any] = {"do_sample": False, "pad_token_id": tokenizer.pad_token_id, **generation}
    if latents is not None:
        arguments |= {"latent": latents.to(device), "release_ids": release_ids(larimar)}
        arguments["query"] = None if queries is None else queries.to(device)
    written = larimar.model.generate(
        tokens["input_ids"], attention_mask=tokens["attention_mask"], max_new_tokens=max_new_tokens, **arguments
    )
    return tokenizer.batch_decode(written[:, tokens["input_ids"].shape[1] :], skip_special_tokens=True)


def release_ids(larimar: Larimar) -> list[int]:
    """Tokens that end what a memory has to say: the full stop behind a target, and the end of a line."""
    ends = [larimar.tokenizer(text, add_special_tokens=False)["input_ids"][-1:] for text in (" word.", "\n")]
    return sorted({token for end in ends for token in end})
