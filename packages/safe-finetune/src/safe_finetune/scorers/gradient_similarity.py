"""Scores from gradients: does a step on this row point where steps on safe rows point?"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional
from tqdm import tqdm
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from safe_finetune.rows import EncodedRows, Row, RowEncoder, collate_rows
from safe_finetune.scorers.protocol import scores_of
from safe_finetune.scorers.random_projection import RandomProjection
from safe_finetune.selection.scores import SelectorScores
from safe_finetune.sft.adapters import with_adapters
from safe_finetune.sft.row_losses import check_losses, losses_under


@dataclass(frozen=True, kw_only=True)
class GradientSimilarityScorer:
    """Cosine between a row's projected gradient and the mean direction of the safe rows' gradients.

    Rows are taken one by one, which is right for any architecture; the cost is a forward and backward pass a row.

    Attributes:
        peft_config: Of LoRA adapters whose gradients are taken; without it those of the model's own parameters.
        parameters: Names (or parts of names) of the parameters to take; all trainable ones if absent.
        width: Of the projection.
        seed: Of the projection, and of the adapters' first weights.
        encoder: How rows become tokens.

    Source: LESS (arXiv 2402.04333), section 3. Differs: plain gradients at the given model, not Adam's updates averaged
        over a warm-up's checkpoints (in our toy a warm-up on the fine-tuning rows turned the ranking round); the
        projection is sparse, and in torch instead of a CUDA extension.
    """

    peft_config: Any = None
    parameters: tuple[str, ...] | None = None
    width: int = 8192
    seed: int = 0
    encoder: RowEncoder = field(default_factory=RowEncoder)

    def score(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        rows: Sequence[Row],
        safe_rows: Sequence[Row],
    ) -> SelectorScores:
        """See :class:`Scorer`."""
        encoded, safe = self.encoder.encode(rows, tokenizer), self.encoder.encode(safe_rows, tokenizer)
        for each in (encoded, safe):
            each.check_vocabulary(model.get_input_embeddings().num_embeddings)
        bare, was_training = self.peft_config is None, model.training
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            differentiated: Any = model if bare else with_adapters(model, self.peft_config, "similarity")
        try:
            differentiated.eval()
            target = functional.normalize(torch.stack(list(self._directions(differentiated, safe))).sum(0), dim=0)
            cosines = [float(direction @ target) for direction in self._directions(differentiated, encoded)]
        finally:
            if not bare:
                differentiated.unload()
            model.train(was_training)
        settings = {"width": self.width, "seed": self.seed, "parameters": self.parameters}
        return scores_of("gradient_similarity", model, encoded, cosines, **settings)

    def _directions(self, model: Any, rows: EncodedRows) -> Iterator[Float[Tensor, " width"]]:
        """Projected gradients of unit length, one by one."""
        project, taken = RandomProjection(self.width, self.seed), self._taken(model)
        for number in tqdm(range(len(rows)), desc="gradients", disable=None):
            yield functional.normalize(project(_gradient(model, rows, number, taken)), dim=0)

    def _taken(self, model: Any) -> list[Tensor]:
        named = [(name, part) for name, part in model.named_parameters() if part.requires_grad]
        taken = [part for name, part in named if self.parameters is None or any(at in name for at in self.parameters)]
        if not taken:
            raise ValueError(
                f"`parameters` {self.parameters} fits none of the {len(named)} trainable ones, such as "
                f"{', '.join(name for name, _ in named[:3]) or 'none'}"
            )
        return taken


def _gradient(model: Any, rows: EncodedRows, number: int, taken: list[Tensor]) -> tuple[Tensor, ...]:
    batch = {name: part.to(taken[0].device) for name, part in collate_rows([rows[number]]).items()}
    losses = losses_under(model, batch)
    check_losses(losses.detach(), [rows.places[number]])
    return torch.autograd.grad(losses.sum(), taken, allow_unused=True, materialize_grads=True)
