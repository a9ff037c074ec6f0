"""The loss of a row: mean cross-entropy over its response's tokens, in nats per token."""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional
from tqdm import tqdm

from safe_finetune.rows.encoded_rows import IGNORED, EncodedRows, collate_rows


def response_losses(
    logits: Float[Tensor, "rows tokens vocab"], labels: Int[Tensor, "rows tokens"]
) -> Float[Tensor, " rows"]:
    """Mean cross-entropy of each row over the tokens that are labelled, at float32 or better.

    Position t predicts the label at t + 1. Only the logits of labelled tokens are brought to float32: a batch's logits
    may be the largest tensor of a run.

    Source: per-token losses, then means per row (released SEAL code). Differs: a row without labelled tokens cannot get
        here (the encoder refuses it); there it yields NaN.
    """
    targets = labels[:, 1:]
    is_target = targets != IGNORED
    chosen = logits[:, :-1][is_target]
    chosen = chosen.to(torch.promote_types(chosen.dtype, torch.float32))
    losses = functional.cross_entropy(chosen, targets[is_target], reduction="none")
    by_token = torch.zeros(targets.shape, dtype=losses.dtype, device=losses.device).masked_scatter(is_target, losses)
    return by_token.sum(1) / is_target.sum(1)


def check_losses(losses: Float[Tensor, " rows"], places: Sequence[str], when: str = "") -> None:
    """Refuse losses that are no numbers, before anything is learnt from them or saved.

    Args:
        losses: Of some rows.
        places: Of these rows.
        when: Such as " at step 3".

    Raises:
        ValueError: With the first such row's place.
    """
    bad = [place for place, finite in zip(places, losses.isfinite().tolist(), strict=True) if not finite]
    if bad:
        raise ValueError(
            f"{bad[0]}: the loss is not finite{when} ({len(bad)} such rows); take a smaller `learning_rate`, another dtype "
            "than float16, or a model without damage."
        )


@torch.no_grad()
def row_losses(model: Any, rows: EncodedRows, *, batch_size: int = 16) -> Float[Tensor, " rows"]:
    """Loss of every row, in their order, on the CPU; the model is used in eval mode and left in the mode it was in.

    Raises:
        ValueError: If the model has no embedding for a token, or a loss is not finite; with the row's place.
    """
    rows.check_vocabulary(model.get_input_embeddings().num_embeddings)
    was_training = model.training
    model.eval()
    # Rows of like length go together: less padding.
    order = sorted(range(len(rows)), key=lambda index: len(rows.token_ids[index]))
    found = torch.empty(len(rows))
    for start in tqdm(range(0, len(rows), batch_size), desc="row losses", disable=None):
        batch = collate_rows([rows[index] for index in order[start : start + batch_size]])
        device = {name: value.to(model.device) for name, value in batch.items()}
        logits = model(input_ids=device["input_ids"], attention_mask=device["attention_mask"], use_cache=False).logits
        found[batch["row_index"]] = response_losses(logits, device["labels"]).float().cpu()
    model.train(was_training)
    check_losses(found, rows.places)
    return found
