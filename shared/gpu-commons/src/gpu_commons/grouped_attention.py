"""Attention of several query tokens under a mask for models whose query heads share keys and values.

As soon as there is a mask, transformers' SDPA path repeats the keys and values of the whole context for every query
head, since torch's own grouping falls back to a slow kernel then. Folding the query heads of a group into the axis of
query tokens gives the same products on the cache as it lies, with any kernel.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from transformers import AttentionInterface, PreTrainedModel

NAME = "grouped_sdpa"


def grouped_sdpa(
    module: torch.nn.Module,
    query: Float[Tensor, "batch heads tokens head"],
    key: Float[Tensor, "batch key_heads columns head"],
    value: Float[Tensor, "batch key_heads columns head"],
    attention_mask: Float[Tensor, "batch 1 tokens columns"],
    scaling: float | None = None,
    **kwargs: Any,
) -> tuple[Float[Tensor, "batch tokens heads head"], None]:
    """One of transformers' attention functions: SDPA without repeated keys and values, for inference.

    Args:
        attention_mask: Added to the scores, the same for all heads.
        scaling: Of the scores; by default one over the square root of the head's width.
    """
    batch, heads, tokens, _ = query.shape
    key_heads = key.shape[1]
    group = heads // key_heads
    folded = query.reshape(batch, key_heads, group * tokens, -1)
    mask = attention_mask.repeat(1, 1, group, 1)
    attended = torch.nn.functional.scaled_dot_product_attention(folded, key, value, attn_mask=mask, scale=scaling)
    return attended.reshape(batch, heads, tokens, -1).transpose(1, 2).contiguous(), None


@contextmanager
def grouped_attention(decoder: PreTrainedModel) -> Iterator[None]:
    """While open, a decoder that attends by "sdpa" attends by :func:`grouped_sdpa`, and needs a 4-D additive mask."""
    config, before = decoder.config, decoder.config._attn_implementation
    if before != "sdpa":
        yield
        return
    AttentionInterface.register(NAME, grouped_sdpa)
    config._attn_implementation = NAME
    try:
        yield
    finally:
        config._attn_implementation = before
