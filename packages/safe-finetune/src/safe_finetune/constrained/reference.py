"""The aligned model beside the trained one: the same model with its adapters off, or a copy."""

import copy
from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from safe_finetune.rows.encoded_rows import IGNORED, EncodedRows, collate_rows
from safe_finetune.sft.row_losses import check_losses


def reference_of(model: Any) -> Callable[..., Tensor]:
    """Logits of the model as it is now, whatever becomes of it; with adapters no second model is held."""
    if hasattr(model, "disable_adapter"):

        @torch.no_grad()
        def without_adapters(**inputs: Tensor) -> Tensor:
            with model.disable_adapter():
                return model(**inputs).logits

        return without_adapters
    frozen = copy.deepcopy(model).eval().requires_grad_(False)

    @torch.no_grad()
    def of_copy(**inputs: Tensor) -> Tensor:
        return frozen(**inputs).logits

    return of_copy


@torch.no_grad()
def mean_divergence(model: Any, reference: Callable[..., Tensor], rows: EncodedRows, batch_size: int) -> float:
    """Mean of :func:`response_divergences` over rows."""
    was_training = model.training
    model.eval()
    found = []
    for start in range(0, len(rows), batch_size):
        batch = collate_rows([rows[index] for index in range(start, min(start + batch_size, len(rows)))])
        inputs = {name: batch[name].to(model.device) for name in ("input_ids", "attention_mask")}
        logits = model(**inputs).logits
        found.append(response_divergences(reference(**inputs), logits, batch["labels"].to(model.device)))
    model.train(was_training)
    divergences = torch.cat(found)
    check_losses(divergences, rows.places)
    return float(divergences.mean())


def response_divergences(
    reference: Float[Tensor, "rows tokens vocab"],
    logits: Float[Tensor, "rows tokens vocab"],
    labels: Int[Tensor, "rows tokens"],
) -> Float[Tensor, " rows"]:
    """KL of the reference's next tokens to the model's, in nats, averaged over the tokens of each row's response."""
    is_target = labels[:, 1:] != IGNORED
    expected = reference[:, :-1][is_target].float().log_softmax(-1)
    found = logits[:, :-1][is_target].float().log_softmax(-1)
    divergences = (expected.exp() * (expected - found)).sum(-1)
    by_token = divergences.new_zeros(is_target.shape).masked_scatter(is_target, divergences)
    return by_token.sum(1) / is_target.sum(1)
