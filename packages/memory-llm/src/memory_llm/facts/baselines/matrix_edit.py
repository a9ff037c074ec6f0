"""One matrix of a model, trained on one fact at a time and swapped in while it is wanted."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from memory_llm.facts.fact import Fact
from memory_llm.facts.teacher_forcing import prompt_tokens, target_tokens

_DOWN_PROJECTIONS = ("down_proj", "c_proj", "fc2", "fc_out", "dense_4h_to_h")


@dataclass(frozen=True, kw_only=True)
class EditCost:
    """What one edit took: Adam steps, wall seconds, and whether the target's tokens are now the most likely ones."""

    fact_id: str
    steps: int
    seconds: float
    flipped: bool


class Edit(NamedTuple):
    """The matrix after an edit, and what it took."""

    weight: Float[Tensor, "rows columns"]
    cost: EditCost


class MatrixEdit:
    """Adam on one matrix, kept in float32 beside the model, until the model says a target.

    The model's own matrix is changed only within a call or context of this class, and restored bit by bit.

    Args:
        model: A causal language model.
        tokenizer: Its tokenizer.
        parameter_name: Of the matrix.
        learning_rate: Of Adam.
        max_steps: When to give up.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        parameter_name: str,
        *,
        learning_rate: float,
        max_steps: int,
    ) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self.parameter_name = parameter_name
        self._parameter = model.get_parameter(parameter_name)
        self._learning_rate = learning_rate
        self._max_steps = max_steps

    def train(self, fact: Fact, start: Float[Tensor, "rows columns"] | None = None) -> Edit:
        """Train on one fact's target after its prompt.

        Args:
            fact: What the model shall say.
            start: The matrix to begin with; the model's own if absent.
        """
        began = time.perf_counter()
        master = (self._parameter if start is None else start).detach().float().clone()
        optimizer = torch.optim.Adam([master], lr=self._learning_rate)
        before = prompt_tokens(self._tokenizer, [fact.prompt])[0]
        target = target_tokens(self._tokenizer, [fact.target])[0]
        steps = 0
        with self.swapped_in(master), self._gradient_wanted():
            loss, flipped = self._loss(before, target)
            while not flipped and steps < self._max_steps:
                master.grad = torch.autograd.grad(loss, [self._parameter])[0].float()
                optimizer.step()
                self._parameter.data.copy_(master)
                steps += 1
                loss, flipped = self._loss(before, target)
            trained = self._parameter.detach().clone()
        return Edit(
            trained,
            EditCost(fact_id=fact.id, steps=steps, seconds=time.perf_counter() - began, flipped=flipped),
        )

    @contextmanager
    def swapped_in(self, weight: Float[Tensor, "rows columns"]) -> Iterator[None]:
        """The model with this matrix, for as long as the context lasts."""
        original = self._parameter.detach().clone()
        self._parameter.data.copy_(weight)
        try:
            yield
        finally:
            self._parameter.data.copy_(original)

    def own(self) -> Float[Tensor, "rows columns"]:
        """A copy of the model's own matrix."""
        return self._parameter.detach().clone()

    @contextmanager
    def _gradient_wanted(self) -> Iterator[None]:
        """Of this matrix alone, so that no graph is built below its layer."""
        wanted = {parameter: parameter.requires_grad for parameter in self._model.parameters()}
        try:
            for parameter in wanted:
                parameter.requires_grad_(parameter is self._parameter)
            yield
        finally:
            for parameter, flag in wanted.items():
                parameter.requires_grad_(flag)

    def _loss(self, before: list[int], target: list[int]) -> tuple[Float[Tensor, ""], bool]:
        """Mean nats of the target's tokens, and whether all are the most likely ones."""
        device = self._model.device
        ids = torch.tensor([before + target[:-1]], device=device)
        wanted = torch.tensor(target, device=device)
        with torch.enable_grad():
            logits = self._model(ids, use_cache=False).logits[0, len(before) - 1 :].float()
            loss = torch.nn.functional.cross_entropy(logits, wanted)
        return loss, bool((logits.argmax(-1) == wanted).all())


def down_projections(model: PreTrainedModel) -> list[str]:
    """Names of the MLP down-projections, block by block.

    Raises:
        ValueError: If the model has none under a known name.
    """
    endings = tuple(f".{name}.weight" for name in _DOWN_PROJECTIONS)
    names = [name for name, _ in model.named_parameters() if name.endswith(endings) and "attn" not in name]
    if not names:
        raise ValueError(
            f"`model` ({model.config.model_type}) has no MLP down-projection named {', '.join(_DOWN_PROJECTIONS)}; "
            "fine-tune another architecture."
        )
    return names
