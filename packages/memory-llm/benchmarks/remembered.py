"""Answers that are kept, so that a comparison of many methods asks the model each question once."""

from collections.abc import Callable, Hashable, Sequence
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from memory_llm.facts import Answerer, Fact, Method, TargetScore
from memory_llm.larimar.as_method import LarimarMethod


class Remembered:
    """A method whose answers are kept by the facts told and the question. Its answerers cannot forget.

    Args:
        method: Whose.
    """

    def __init__(self, method: Method):
        self.method, self.name = method, method.name
        self.kept: dict[Hashable, Any] = {}
        self._numbers: dict[tuple[Fact, ...], int] = {}

    def told(self, facts: Sequence[Fact], *, alone: bool = False) -> "RememberedAnswerer":
        facts = tuple(facts)
        together = self._numbers.setdefault(facts, len(self._numbers))  # a short key for what is told together
        return RememberedAnswerer(self, facts, facts if alone else together)

    def score(self, prompts: Sequence[str], targets: Sequence[str]) -> list[TargetScore]:
        return self.told([]).score(prompts, targets)

    def next_log_probs(self, prompts: Sequence[str]) -> Float[Tensor, "prompts vocab"]:
        return self.told([]).next_log_probs(prompts)


class RememberedAnswerer:
    """Asks for what is not kept yet."""

    def __init__(self, owner: Remembered, facts: tuple[Fact, ...], told: tuple[Fact, ...] | int):
        self.owner, self.facts, self.alone = owner, facts, not isinstance(told, int)
        self._told = told

    def score(self, prompts: Sequence[str], targets: Sequence[str]) -> list[TargetScore]:
        def ask(answerer: Answerer, rows: Sequence[int]) -> list[TargetScore]:
            return answerer.score([prompts[row] for row in rows], [targets[row] for row in rows])

        return self._answers(list(zip(prompts, targets, strict=True)), ask)

    def next_log_probs(self, prompts: Sequence[str]) -> Float[Tensor, "prompts vocab"]:
        def ask(answerer: Answerer, rows: Sequence[int]) -> list[Tensor]:
            return list(answerer.next_log_probs([prompts[row] for row in rows]))

        return torch.stack(self._answers(list(prompts), ask))

    def _answers(self, questions: Sequence[Hashable], ask: Callable[[Answerer, Sequence[int]], list[Any]]) -> list[Any]:
        told = [self._told] * len(questions) if isinstance(self._told, int) else self._told
        keys = list(zip(told, questions, strict=True))
        missing = [row for row, key in enumerate(keys) if key not in self.owner.kept]
        if missing:
            facts = [self.facts[row] for row in missing] if self.alone else self.facts
            answers = ask(self.owner.method.told(facts, alone=self.alone), missing)
            self.owner.kept |= {keys[row]: answer for row, answer in zip(missing, answers, strict=True)}
        return [self.owner.kept[key] for key in keys]


class Scoped:
    """Larimar behind a scope detector: inside, its answers without one; outside, the base model's.

    Args:
        method: With the detector.
        inside: The same without it.
        outside: The base model.
    """

    def __init__(self, method: LarimarMethod, inside: Remembered, outside: Remembered):
        self.method, self.inside, self.outside, self.name = method, inside, outside, method.name

    def told(self, facts: Sequence[Fact], *, alone: bool = False) -> "ScopedAnswerer":
        return ScopedAnswerer(self, facts, alone)


class ScopedAnswerer:
    """Sends each question to one of two answerers."""

    def __init__(self, owner: Scoped, facts: Sequence[Fact], alone: bool):
        self.owner, self.facts, self.alone = owner, facts, alone
        self._judge = owner.method.told(facts, alone=alone)

    def score(self, prompts: Sequence[str], targets: Sequence[str]) -> list[TargetScore]:
        return self._sent(
            prompts, lambda answerer, rows: answerer.score([prompts[i] for i in rows], [targets[i] for i in rows])
        )

    def next_log_probs(self, prompts: Sequence[str]) -> Float[Tensor, "prompts vocab"]:
        return torch.stack(
            self._sent(prompts, lambda answerer, rows: list(answerer.next_log_probs([prompts[i] for i in rows])))
        )

    def _sent(self, prompts: Sequence[str], ask: Callable[[Any, Sequence[int]], list[Any]]) -> list[Any]:
        scoped: Bool[Tensor, " prompts"] = self._judge.readouts(prompts)[2]
        answers: list[Any] = [None] * len(prompts)
        for inside in (True, False):
            rows = (scoped == inside).nonzero().flatten().tolist()
            if not rows:
                continue
            answerer: Any = self.owner.outside
            if inside:
                facts = [self.facts[row] for row in rows] if self.alone else self.facts
                answerer = self.owner.inside.told(facts, alone=self.alone)
            for row, answer in zip(rows, ask(answerer, rows), strict=True):
                answers[row] = answer
        return answers
