"""Who sees what: a causal mask with the columns of a prefix before it."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


def prefix_mask(
    visible: Bool[Tensor, "batch new prefix"],
    mask: Int[Tensor, "batch seen"],
    dtype: torch.dtype,
    *,
    openness: Float[Tensor, " batch"] | None = None,
) -> Float[Tensor, "batch 1 new columns"]:
    """What is added to the attention scores of new tokens.

    Args:
        visible: Which columns of the prefix a new token sees.
        mask: 1 for tokens and 0 for padding of all tokens so far, the new ones last.
        dtype: Of the decoder.
        openness: Added to the scores of the prefix's visible columns.
    """
    seen, new = mask.shape[1], visible.shape[1]
    places = torch.arange(seen, device=mask.device)
    context = (places <= places[-new:, None]) & mask[:, None].bool()
    shown = torch.cat([visible, context], dim=-1)
    scores = torch.zeros(shown.shape, dtype=dtype, device=mask.device)
    if openness is not None:
        gate = openness.to(dtype)[:, None, None].expand_as(visible)
        scores = torch.cat([gate, scores[..., visible.shape[-1] :]], dim=-1)
    return scores.masked_fill(~shown, torch.finfo(dtype).min).unsqueeze(1)


def token_positions(mask: Int[Tensor, "batch seen"]) -> Int[Tensor, "batch seen"]:
    """Positions of tokens, padding on either side not counted."""
    return (mask.cumsum(-1) - 1).clamp(min=0)
