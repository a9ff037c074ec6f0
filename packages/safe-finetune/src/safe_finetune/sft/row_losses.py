"""The loss of a row: mean cross-entropy over its response's tokens, in nats per token."""

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
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
    return _means(logits[:, :-1][labels[:, 1:] != IGNORED], labels)


def losses_under(model: Any, batch: Mapping[str, Int[Tensor, "rows tokens"]]) -> Float[Tensor, " rows"]:
    """What :func:`response_losses` gives, with logits of labelled tokens alone.

    Logits of all tokens may be the largest tensor of a run, and the head has a fifth of SmolLM2-135M's weights. So the
    input of the head (``get_output_embeddings``) is cut down while the model runs. If there is none, or the model does
    not call it, all logits are made.

    Args:
        model: A causal language model, which may be wrapped.
        batch: ``input_ids``, ``attention_mask`` and ``labels``.
    """
    labels = batch["labels"]
    is_target = labels[:, 1:] != IGNORED
    predicts = functional.pad(is_target, (0, 1))

    def choose(_head: nn.Module, states: tuple[Tensor]) -> tuple[Tensor]:
        return (states[0][predicts][None],)

    head = _head_of(model)
    with head.register_forward_pre_hook(choose) if head is not None else contextlib.nullcontext():
        inputs = {name: batch[name] for name in ("input_ids", "attention_mask")}
        logits = model(**inputs, use_cache=False).logits
    is_cut = logits.shape[:2] != labels.shape
    return _means(logits[0] if is_cut else logits[:, :-1][is_target], labels)


def _head_of(model: Any) -> nn.Module | None:
    inner = getattr(model, "module", model)  # of what spreads a model over processes
    return inner.get_output_embeddings() if hasattr(inner, "get_output_embeddings") else None


def _means(chosen: Float[Tensor, "labelled vocab"], labels: Int[Tensor, "rows tokens"]) -> Float[Tensor, " rows"]:
    targets = labels[:, 1:]
    is_target = targets != IGNORED
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
        found[batch["row_index"]] = losses_under(model, device).float().cpu()
    model.train(was_training)
    check_losses(found, rows.places)
    return found
