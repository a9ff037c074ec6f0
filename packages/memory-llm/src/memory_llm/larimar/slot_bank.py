"""One fact a slot: keys and values side by side, read by the nearest key."""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from memory_llm.larimar.addressing import gaussian_weights, nearest_rows


class SlotBank:
    """The limit of Gaussian addressing in which every fact is its own reference: weights are one-hot, the Gram matrix
    is the identity, and writing, reading and erasing need no solve.

    Args:
        num_slots: Slots to begin with.
        key_width: Length of a key.
        value_width: Length of a value.
        alpha: Width of the softmax over distances; None reads the nearest slot alone.

    Attributes:
        keys: ``[slots, key]`` in float64.
        values: ``[slots, value]`` in float32, which holds what an encoder in float32 or less says exactly.
        occupied: Which slots hold a fact, ``[slots]``.

    Source: Larimar Eq. 7-8 with a -> 0, and the needle paper's fixed key memory with one row a segment.
    """

    def __init__(self, num_slots: int, key_width: int, value_width: int, *, alpha: float | None = None):
        self.alpha = alpha
        self.keys = torch.zeros(num_slots, key_width, dtype=torch.float64)
        self.values = torch.zeros(num_slots, value_width)
        self.occupied: Bool[Tensor, " slots"] = torch.zeros(num_slots, dtype=torch.bool)
        self._lengths = _free(num_slots)  # squared, of the keys: computing them costs as much as searching

    @property
    def num_slots(self) -> int:
        """Slots, used or not."""
        return len(self.occupied)

    @property
    def used(self) -> int:
        """Facts held."""
        return int(self.occupied.sum())

    def write(self, keys: Float[Tensor, "rows key"], values: Float[Tensor, "rows value"]) -> list[int]:
        """Put facts into the lowest free slots and return these (0-based); the caller has seen to it that they fit."""
        slots = (~self.occupied).nonzero().flatten()[: len(keys)]
        self.keys[slots], self.values[slots], self.occupied[slots] = keys, values.to("cpu", torch.float32), True
        self._lengths[slots] = self.keys[slots].square().sum(-1)
        return slots.tolist()

    def erase(self, slots: Sequence[int]) -> None:
        """Free slots and overwrite what they held."""
        rows = torch.tensor(list(slots), dtype=torch.long)
        self.keys[rows], self.values[rows], self.occupied[rows] = 0.0, 0.0, False
        self._lengths[rows] = torch.inf

    def fill(
        self,
        keys: Float[Tensor, "slots key"],
        values: Float[Tensor, "slots value"],
        occupied: Bool[Tensor, " slots"],
    ) -> None:
        """Take over the slots of another bank, as a file holds them."""
        self.keys, self.values, self.occupied = keys, values, occupied
        self._lengths = keys.square().sum(-1).masked_fill(~occupied, torch.inf)

    def weights(self, keys: Float[Tensor, "rows key"]) -> Float[Tensor, "rows slots"]:
        """Read weights over all slots; free ones get 0, and so do all of an empty memory."""
        weights = torch.zeros(len(keys), self.num_slots, dtype=torch.float64)
        if self.used and self.alpha is not None:
            weights[:, self.occupied] = gaussian_weights(keys, self.keys[self.occupied], self.alpha)
        elif self.used:
            weights[torch.arange(len(keys)), self.nearest(keys)[0]] = 1.0
        return weights

    def read(self, keys: Float[Tensor, "rows key"]) -> Float[Tensor, "rows value"]:
        """Values of the nearest facts, or their softmax mean; zeros from an empty memory."""
        if not self.used:
            return torch.zeros(len(keys), self.values.shape[1], dtype=torch.float64)
        if self.alpha is not None:
            return self.weights(keys) @ self.values.double()
        slots, _ = self.nearest(keys)
        return self.values[slots].double()

    def nearest(self, keys: Float[Tensor, "rows key"]) -> tuple[Int[Tensor, " rows"], Float[Tensor, " rows"]]:
        """Slot and squared distance of each key's nearest fact; the memory is not empty."""
        top = int(self.occupied.nonzero()[-1]) + 1  # slots fill from below, so this is a view of what matters
        return nearest_rows(keys, self.keys[:top], self._lengths[:top])

    def grow(self, num_slots: int) -> None:
        """Add free slots up to this number."""
        more = num_slots - self.num_slots
        self.keys = torch.cat([self.keys, self.keys.new_zeros(more, self.keys.shape[1])])
        self.values = torch.cat([self.values, self.values.new_zeros(more, self.values.shape[1])])
        self.occupied = torch.cat([self.occupied, self.occupied.new_zeros(more)])
        self._lengths = torch.cat([self._lengths, _free(more)])


def _free(num_slots: int) -> Float[Tensor, " slots"]:
    """Lengths at which a slot is never the nearest."""
    return torch.full((num_slots,), torch.inf, dtype=torch.float64)
