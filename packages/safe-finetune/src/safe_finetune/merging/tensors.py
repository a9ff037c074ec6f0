"""One tensor of several checkpoints, as blocks of float64 numbers."""

from collections.abc import Iterator, Sequence

import numpy as np

from gpu_commons.shards import Checkpoint, to_float64
from safe_finetune.merging.method import Block

BLOCK = 1 << 16
"""Elements of a block: its float64 numbers fit a core's cache. What DARE drops is drawn block by block."""
READ_AT_ONCE = 16 * BLOCK


class MergedTensor:
    """The elements of a tensor that all checkpoints have, block by block.

    Attributes:
        name: Of the tensor.
        num_elements: To be read, from the first on.

    Args:
        name: Of the tensor.
        models: Checkpoints with it.
        base: A checkpoint with it, if there is a base.
        num_elements: As above.
    """

    def __init__(self, name: str, models: Sequence[Checkpoint], base: Checkpoint | None, num_elements: int):
        self.name, self.num_elements = name, num_elements
        self._sources = [*models, *([base] if base else [])]
        self._num_models = len(models)
        self._entries = [source.entries[name] for source in self._sources]
        longest = min(num_elements, READ_AT_ONCE)
        self._raw = [np.empty(longest * entry.item_bytes, np.uint8) for entry in self._entries]
        self._numbers = [np.empty(min(num_elements, BLOCK)) for _ in self._entries]

    def __iter__(self) -> Iterator[tuple[int, Sequence[Block], Block | None]]:
        for start in range(0, self.num_elements, READ_AT_ONCE):
            count = min(READ_AT_ONCE, self.num_elements - start)
            for source, entry, raw in zip(self._sources, self._entries, self._raw, strict=True):
                source.read_into(self.name, start, raw[: count * entry.item_bytes])
            for first in range(0, count, BLOCK):
                blocks = self._block(first, min(BLOCK, count - first))
                number = (start + first) // BLOCK
                yield number, blocks[: self._num_models], blocks[self._num_models] if self._has_base else None

    @property
    def _has_base(self) -> bool:
        return len(self._sources) > self._num_models

    def _block(self, first: int, length: int) -> list[Block]:
        blocks = []
        for entry, raw, numbers in zip(self._entries, self._raw, self._numbers, strict=True):
            part = raw[first * entry.item_bytes : (first + length) * entry.item_bytes]
            blocks.append(to_float64(part, entry.dtype, numbers[:length]))
        return blocks
