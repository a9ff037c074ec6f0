"""Gradient descent on one matrix until the model says the target: the simplest edit of weights.

Source: the fine-tuning baseline of ROME (Meng et al. 2022), which also trains the MLP of one layer. Differs: training
stops as soon as all target tokens are the most likely ones, and there is no norm constraint.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

import torch
from jaxtyping import Float
from torch import Tensor

from memory_llm.facts.baselines.base import NoEdit
from memory_llm.facts.baselines.matrix_edit import EditCost, MatrixEdit, down_projections
from memory_llm.facts.fact import Fact
from memory_llm.facts.method import TargetScore, check_alone

_NO_FORGETTING = "gradient edits cannot be taken out one by one; tell the facts that stay to a model without edits."
Answers = TypeVar("Answers")


class FineTune:
    """Adam on the down-projection of one MLP; facts told together are trained one after another.

    Args:
        decoder: The model to edit; it is as before whenever no question is being answered.
        layer: Decoder block (0-based) whose MLP is trained; the middle one if absent.
        learning_rate: Of Adam.
        max_steps: When to give up on a fact.

    Raises:
        ValueError: If the model has no MLP whose down-projection is known, or no such layer.
    """

    def __init__(
        self, decoder: NoEdit, *, layer: int | None = None, learning_rate: float = 3e-3, max_steps: int = 25
    ) -> None:
        names = down_projections(decoder.model)
        layer = len(names) // 2 if layer is None else layer
        if not 0 <= layer < len(names):
            raise ValueError(f"`layer` must be in [0, {len(names) - 1}], got {layer}.")
        self.name = f"fine-tuning (layer {layer}, lr {learning_rate:g})"
        self.decoder = decoder
        self.matrix = MatrixEdit(
            decoder.model, decoder.tokenizer, names[layer], learning_rate=learning_rate, max_steps=max_steps
        )

    def told(self, facts: Sequence[Fact], *, alone: bool = False) -> "FineTuned | FineTunedAlone":
        if alone:
            return FineTunedAlone(self.decoder, self.matrix, facts)
        weight, costs = self.matrix.own(), []
        for fact in facts:
            weight, cost = self.matrix.train(fact, weight)
            costs.append(cost)
        return FineTuned(self.decoder, self.matrix, weight, costs)


class FineTuned:
    """The model with a trained matrix.

    Attributes:
        costs: Of each edit, in the order told.
    """

    def __init__(
        self, decoder: NoEdit, matrix: MatrixEdit, weight: Float[Tensor, "rows columns"], costs: Sequence[EditCost]
    ) -> None:
        self._decoder = decoder
        self._matrix = matrix
        self._weight = weight
        self.costs = list(costs)

    def score(self, prompts: Sequence[str], targets: Sequence[str]) -> list[TargetScore]:
        with self._matrix.swapped_in(self._weight):
            return self._decoder.score(prompts, targets)

    def next_log_probs(self, prompts: Sequence[str]) -> Float[Tensor, "prompts vocab"]:
        with self._matrix.swapped_in(self._weight):
            return self._decoder.next_log_probs(prompts)

    def answer(self, prompts: Sequence[str], *, max_new_tokens: int = 8) -> list[str]:
        with self._matrix.swapped_in(self._weight):
            return self._decoder.answer(prompts, max_new_tokens=max_new_tokens)

    def forget(self, ids: Sequence[str]) -> None:
        """Refused, since edits of one matrix run into each other."""
        raise NotImplementedError(_NO_FORGETTING)


class FineTunedAlone:
    """Each question asked of the model after the edit of its own fact only.

    Every call trains anew, once for each distinct fact: matrices kept for all of them would fill the memory.

    Attributes:
        costs: Of the edits in the latest call, one for each distinct fact.
    """

    def __init__(self, decoder: NoEdit, matrix: MatrixEdit, facts: Sequence[Fact]) -> None:
        self._decoder = decoder
        self._matrix = matrix
        self._facts = list(facts)
        self.costs: list[EditCost] = []

    def score(self, prompts: Sequence[str], targets: Sequence[str]) -> list[TargetScore]:
        return self._by_fact(
            prompts, lambda edited, rows: edited.score([prompts[row] for row in rows], [targets[row] for row in rows])
        )

    def next_log_probs(self, prompts: Sequence[str]) -> Float[Tensor, "prompts vocab"]:
        return torch.stack(
            self._by_fact(prompts, lambda edited, rows: list(edited.next_log_probs([prompts[row] for row in rows])))
        )

    def answer(self, prompts: Sequence[str], *, max_new_tokens: int = 8) -> list[str]:
        return self._by_fact(
            prompts,
            lambda edited, rows: edited.answer([prompts[row] for row in rows], max_new_tokens=max_new_tokens),
        )

    def forget(self, ids: Sequence[str]) -> None:
        """Refused, as by :class:`FineTuned`."""
        raise NotImplementedError(_NO_FORGETTING)

    def _by_fact(self, prompts: Sequence[str], ask: Callable[[FineTuned, list[int]], list[Answers]]) -> list[Answers]:
        check_alone(len(self._facts), len(prompts))
        rows_of: dict[Fact, list[int]] = {}
        for row, fact in enumerate(self._facts):
            rows_of.setdefault(fact, []).append(row)
        self.costs = []
        answers: dict[int, Answers] = {}
        for fact, rows in rows_of.items():
            weight, cost = self._matrix.train(fact)
            self.costs.append(cost)
            edited = FineTuned(self._decoder, self._matrix, weight, [cost])
            answers.update(zip(rows, ask(edited, rows), strict=True))
        return [answers[row] for row in range(len(prompts))]
