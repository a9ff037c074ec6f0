"""The gate inside the attention function: for training, where chunks are read with the question in one pass."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import AttentionMaskInterface, sdpa_mask
from transformers.modeling_utils import AttentionInterface

GATED = "epman"


def gated_attention(
    module: nn.Module,
    query: Float[Tensor, "batch heads new head"],
    key: Float[Tensor, "batch key_heads columns head"],
    value: Float[Tensor, "batch key_heads columns head"],
    attention_mask: Tensor | None,
    *,
    a_mem: Float[Tensor, "batch columns"] | None = None,
    a_mem_queries: Bool[Tensor, "batch new"] | None = None,
    a_mem_layers: tuple[int, ...] | None = None,
    **arguments: Any,
) -> tuple[Tensor, Tensor | None]:
    """Scaled dot-product attention to values that are scaled by ``a_mem``, a gate for each column.

    Args:
        module: The attention layer.
        query: As in transformers.
        key: As in transformers.
        value: As in transformers.
        attention_mask: As in transformers.
        a_mem: Gates in [0, 1]; all open if absent.
        a_mem_queries: Which tokens see gated values: those of the question, as chunks that are read before it see their
            values as they are; needs a mask. All if absent.
        a_mem_layers: Layers (0-based) in which they apply; all if absent.
        arguments: As in transformers.

    Source: EpMAN 1.4, ``softmax(q K^T / sqrt(d)) (V * a_mem)``.
    """
    if a_mem is None or (a_mem_layers is not None and module.layer_idx not in a_mem_layers):
        return sdpa_attention_forward(module, query, key, value, attention_mask, **arguments)
    gated = value * a_mem[:, None, :, None].to(value.dtype)
    if a_mem_queries is None:
        return sdpa_attention_forward(module, query, key, gated, attention_mask, **arguments)
    plain, weights = sdpa_attention_forward(module, query, key, value, attention_mask, **arguments)
    # Questions are at the end and short, so that only there both values are attended to.
    first = int(a_mem_queries.any(0).int().argmax())
    assert attention_mask is not None  # without one, attention would take the first token asked for the first of all
    mask = attention_mask[:, :, first:]
    asked, _ = sdpa_attention_forward(module, query[:, :, first:], key, gated, mask, **arguments)
    asked = torch.where(a_mem_queries[:, first:, None, None], asked, plain[:, first:])
    return torch.cat([plain[:, :first], asked], dim=1), weights


@contextmanager
def attention_route(decoder: PreTrainedModel) -> Iterator[None]:
    """Within it, ``decoder(..., a_mem=...)`` gates its values; without a cache, so that columns are the tokens read.

    The mask function is registered too: an attention function without one gets no mask, and padding would be read.

    Raises:
        ValueError: If the decoder's attention cannot be exchanged, so that gates would be ignored.
    """
    if not decoder._supports_attention_backend:
        raise ValueError(
            f"`decoder` ({decoder.config.model_type}) has its attention built in, so gates would be ignored; train a "
            "decoder whose attention can be exchanged, such as llama, mistral, qwen2 or gemma."
        )
    AttentionInterface.register(GATED, gated_attention)
    AttentionMaskInterface.register(GATED, sdpa_mask)
    before = decoder.config._attn_implementation
    decoder.set_attn_implementation(GATED)
    try:
        yield
    finally:
        decoder.set_attn_implementation(before)
