"""A cache whose first columns are selected chunks, and can be exchanged while the rest stays."""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from transformers import DynamicCache, PreTrainedConfig

from gpu_commons.kv_cache import insert_prefix


class Prefix(NamedTuple):
    """Columns for each row of a batch, padded on the left, with values that are scaled by their gates already."""

    keys: Float[Tensor, "layers batch heads columns head"]
    values: Float[Tensor, "layers batch heads columns head"]
    mask: Bool[Tensor, "batch columns"]


class EpMANCache(DynamicCache):
    """What a decoder attends to: selected chunks, then what it reads and writes itself.

    EpMAN scales values, ``softmax(q K^T) (V a)``, with gates ``a`` that stay the same until chunks are selected anew.
    So values are scaled once, when they are put here, and every attention backend does the rest.

    Args:
        config: Of the decoder.

    Attributes:
        prefix_length: Columns that were selected.
    """

    def __init__(self, config: PreTrainedConfig):
        super().__init__(config=config.get_text_config(decoder=True))
        self.prefix_length = 0

    def select(self, prefix: Prefix) -> None:
        """Put these columns in the place of those selected before."""
        self.reset_selection()
        insert_prefix(self, prefix.keys, prefix.values)
        self.prefix_length = prefix.keys.shape[-2]

    def reset_selection(self) -> None:
        """Take the selected columns out."""
        if self.prefix_length:
            for layer in self.layers:
                layer.keys = layer.keys[:, :, self.prefix_length :]
                layer.values = layer.values[:, :, self.prefix_length :]
            self.prefix_length = 0


def gated(
    values: Float[Tensor, "layers heads tokens head"],
    gates: Float[Tensor, " tokens"],
    layers: list[int] | None = None,
) -> Float[Tensor, "layers heads tokens head"]:
    """Values of tokens times their gates, in some layers or in all.

    Raises:
        ValueError: If a gate is not in [0, 1].
    """
    outside = ~((gates >= 0) & (gates <= 1))
    if bool(outside.any()):
        row = int(outside.nonzero()[0])
        raise ValueError(f"gates must lie in [0, 1], got {float(gates[row])} for token {row}.")
    if bool((gates == 1).all()):
        return values
    scale = gates.to(values.device, values.dtype)[:, None]
    if layers is None:
        return values * scale
    scaled = values.clone()
    scaled[layers] = values[layers] * scale
    return scaled


def stacked(
    rows: list[tuple[Float[Tensor, "layers heads _ head"], Float[Tensor, "layers heads _ head"]]],
) -> Prefix:
    """Keys and values of several rows as one prefix."""
    width = max(keys.shape[-2] for keys, _ in rows)
    keys, values = (torch.stack([_left_padded(row[part], width) for row in rows], dim=1) for part in (0, 1))
    lengths: Int[Tensor, " batch"] = torch.tensor([row[0].shape[-2] for row in rows])
    mask = torch.arange(width) >= width - lengths[:, None]
    return Prefix(keys, values, mask)


def _left_padded(states: Tensor, width: int) -> Tensor:
    return torch.nn.functional.pad(states, (0, 0, width - states.shape[-2], 0))
