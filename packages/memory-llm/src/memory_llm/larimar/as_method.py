"""Larimar as one of the methods that ``memory_llm.facts`` compares."""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from memory_llm.facts import Fact, TargetScore, next_log_probs, score_targets
from memory_llm.facts.method import check_alone, check_known
from memory_llm.facts.teacher_forcing import prompt_tokens
from memory_llm.larimar.editor import continue_scoped
from memory_llm.larimar.memory import EpisodicMemory
from memory_llm.larimar.pipeline import Larimar
from memory_llm.larimar.scope import AlwaysIn, ScopeDetector, in_scope


class LarimarMethod:
    """Facts written to a memory.

    Args:
        larimar: Model and tokenizers.
        scope: Which questions reach the memory; all of them if absent.
        name: In tables.
        batch_size: Questions a forward pass.
        settings: Of the memory (``addressing``, ``num_slots`` ...).
    """

    def __init__(
        self,
        larimar: Larimar,
        *,
        scope: ScopeDetector | None = None,
        name: str = "larimar",
        batch_size: int = 16,
        **settings: Any,
    ):
        self.larimar, self.scope, self.name, self.batch_size = larimar, scope or AlwaysIn(), name, batch_size
        self.settings = {"on_overflow": "grow", "on_conflict": "update", **settings}

    def told(self, facts: Sequence[Fact], *, alone: bool = False) -> "LarimarAnswerer":
        """Write the facts to one memory, or each to one of its own."""
        keys, values = self.larimar.facts(
            [fact.prompt for fact in facts], [fact.target for fact in facts], truncate=True
        )
        if not alone:
            memory = self._memory(max(len(facts), 1))
            memory.write(keys, values, [fact.id for fact in facts], [fact.text for fact in facts])
            return LarimarAnswerer(self, [memory], alone=False)
        memories = []
        for row, fact in enumerate(facts):
            memories.append(self._memory(1))
            memories[-1].write(keys[row : row + 1], values[row : row + 1], [fact.id], [fact.text])
        return LarimarAnswerer(self, memories, alone=True)

    def _memory(self, num_facts: int) -> EpisodicMemory:
        return self.larimar.new_memory(**{"num_slots": num_facts, **self.settings})


class LarimarAnswerer:
    """Answers from one memory, or question i from memory i."""

    def __init__(self, method: LarimarMethod, memories: list[EpisodicMemory], *, alone: bool):
        self.method, self.memories, self.alone = method, memories, alone

    def score(self, prompts: Sequence[str], targets: Sequence[str]) -> list[TargetScore]:
        """How each target fares after its prompt."""
        forward = _Forward(self.method.larimar, prompts, *self.readouts(prompts))
        return score_targets(
            forward, self.method.larimar.tokenizer, prompts, targets, batch_size=self.method.batch_size
        )

    def next_log_probs(self, prompts: Sequence[str]) -> Float[Tensor, "prompts vocab"]:
        """Log-probabilities of the next token."""
        forward = _Forward(self.method.larimar, prompts, *self.readouts(prompts))
        return next_log_probs(forward, self.method.larimar.tokenizer, prompts, batch_size=self.method.batch_size)

    def answer(self, prompts: Sequence[str], *, max_new_tokens: int = 8) -> list[str]:
        """Greedy continuations."""
        said = continue_scoped(
            self.method.larimar,
            prompts,
            *self.readouts(prompts),
            batch_size=self.method.batch_size,
            max_new_tokens=max_new_tokens,
        )
        return [text.strip() for text in said]

    def forget(self, ids: Sequence[str]) -> None:
        """Take facts out of every memory that holds them."""
        check_known(ids, {name for memory in self.memories for name in memory.ids})
        for memory in self.memories:
            memory.forget([name for name in ids if name in memory])

    def readouts(
        self, prompts: Sequence[str]
    ) -> tuple[Float[Tensor, "prompts value"], Float[Tensor, "prompts latent"], Bool[Tensor, " prompts"]]:
        """What the memory says to each question, the questions' encodings, and which of them are in scope."""
        queries = self.method.larimar.encode(prompts, truncate=True)
        scope = self.method.scope
        if not self.alone:
            memory = self.memories[0]
            return memory.read(queries), queries, in_scope(scope, memory, queries, prompts)
        check_alone(len(self.memories), len(prompts))
        rows = [(memory, queries[i : i + 1], [prompts[i]]) for i, memory in enumerate(self.memories)]
        scoped = torch.cat([in_scope(scope, *row) for row in rows])
        return torch.cat([memory.read(query) for memory, query, _ in rows]), queries, scoped


class _Forward:
    """The decoder, each row with what the memory says to its question, or as it is where the memory is not asked."""

    def __init__(self, larimar: Larimar, prompts: Sequence[str], latents: Tensor, queries: Tensor, scoped: Tensor):
        self.larimar, self.latents, self.queries, self.scoped = larimar, latents, queries, scoped
        self.ends = torch.tensor([len(ids) - 1 for ids in prompt_tokens(larimar.tokenizer, prompts)])

    def __call__(
        self, input_ids: Int[Tensor, "batch length"], attention_mask: Int[Tensor, "batch length"], rows: list[int]
    ) -> Float[Tensor, "batch length vocab"]:
        model, device = self.larimar.model, self.larimar.device
        ids, mask, questions = input_ids.to(device), attention_mask.to(device), torch.tensor(rows)
        inside = self.scoped[questions]
        logits: list[Tensor | None] = [None] * len(rows)
        for scoped in (True, False):
            places = (inside == scoped).nonzero().flatten()
            if not len(places):
                continue
            memory = {}
            if scoped:
                memory["latent"] = self.latents[questions[places]].to(device)
                memory["query"] = self.queries[questions[places]].to(device)
                after = torch.arange(ids.shape[1]) - self.ends[questions[places], None]
                memory["due"] = after.clamp(min=-1).to(device)
            found = model(ids[places], mask[places], use_cache=scoped, **memory).logits
            for place, row in zip(places.tolist(), found, strict=True):
                logits[place] = row
        return torch.stack([row for row in logits if row is not None])
