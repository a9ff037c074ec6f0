"""Batches of graphs with about the same number of residues."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from torch.utils.data import Sampler
from torch_geometric.data import Batch, HeteroData

Asked = tuple[int, int]
"""Epoch and place of an item."""


class ResidueBatches(Sampler[list[Asked]]):
    """Every chain once an epoch, in a new order, in batches of about so many residues.

    All epochs have the same number of batches. The order follows from seed and epoch alone.

    Args:
        sizes: Residues of each chain.
        residues: Of a batch, about: what does not fill a last batch is spread over the others.
        seed: Of the order.
        epoch: Tells the epoch, from 0 on, when its batches are begun.

    Raises:
        ValueError: If a chain has more residues than a batch.
    """

    def __init__(self, sizes: Sequence[int], residues: int, seed: int, epoch: Callable[[], int]):
        if max(sizes) > residues:
            raise ValueError(
                f"a chain of {max(sizes)} residues is in no batch of {residues}; raise the batch's residues."
            )
        self.sizes, self.seed, self.epoch = np.array(sizes), seed, epoch
        self.count = max(int(self.sizes.sum()) // residues, 1)

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[list[Asked]]:
        epoch = self.epoch()
        order = np.random.default_rng([self.seed, epoch]).permutation(len(self.sizes))
        starts = np.cumsum(self.sizes[order]) - self.sizes[order]
        # A batch's stretch of residues is at least as long as any chain, so a chain starts in each.
        batch = starts * self.count // self.sizes.sum()
        for number in range(self.count):
            yield [(epoch, place) for place in order[batch == number].tolist()]


def collate(graphs: list[HeteroData]) -> dict[str, Any]:
    """One graph of several, as what a model is called with."""
    return {"graph": Batch.from_data_list(graphs)}
