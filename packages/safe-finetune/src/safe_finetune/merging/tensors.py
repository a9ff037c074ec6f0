"""One tensor of several checkpoints, as blocks of float64 numbers."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from gpu_commons.shards import Checkpoint, TensorEntry, from_float64, to_float64
from safe_finetune.merging.method import Block

BLOCK = 1 << 16
"""Elements of a block: its float64 numbers fit a core's cache. What DARE drops is drawn block by block."""
READ_AT_ONCE = 16 * BLOCK
_LARGEST = {
    "F64": float(np.finfo(np.float64).max),
    "F32": float(np.finfo(np.float32).max),
    "F16": float(np.finfo(np.float16).max),
    "BF16": float.fromhex("0x1.fep127"),
}


def read_numbers(source: Checkpoint, name: str, start: int, raw: NDArray[np.uint8], out: Block) -> Block:
    """Numbers of a tensor from their bytes.

    Methods that drop changes would drop what is no number too, and the merge would not show it.

    Args:
        source: A checkpoint with the tensor.
        name: Of the tensor.
        start: The first number's place in it.
        raw: The bytes.
        out: Filled and returned.

    Raises:
        ValueError: If a number is not finite, with its file and place.
    """
    entry = source.entries[name]
    numbers = to_float64(raw, entry.dtype, out)
    if not (finite := np.isfinite(numbers)).all():
        bad = int(np.flatnonzero(~finite)[0])
        raise ValueError(
            f"{entry.file}: element {start + bad} of {name!r} is {numbers[bad]}; mend or fetch that model again."
        )
    return numbers


def rounded(numbers: Block, entry: TensorEntry) -> NDArray[np.uint8]:
    """Bytes of numbers in a tensor's dtype.

    Raises:
        ValueError: If they are beyond it.
    """
    if len(numbers) and not max(numbers.max(), -numbers.min()) <= _LARGEST[entry.dtype]:
        raise ValueError(
            f"{entry.name!r} of the result has numbers beyond {_LARGEST[entry.dtype]:.4g}, the largest of {entry.dtype}; "
            "use smaller weights or another dtype."
        )
    return from_float64(numbers, entry.dtype)


class MergedTensor:
    """The elements of a tensor that all checkpoints have, block by block; all are finite.

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
                blocks = self._block(start, first, min(BLOCK, count - first))
                number = (start + first) // BLOCK
                yield number, blocks[: self._num_models], blocks[self._num_models] if self._has_base else None

    @property
    def _has_base(self) -> bool:
        return len(self._sources) > self._num_models

    def _block(self, start: int, first: int, length: int) -> list[Block]:
        blocks = []
        for source, entry, raw, numbers in zip(self._sources, self._entries, self._raw, self._numbers, strict=True):
            part = raw[first * entry.item_bytes : (first + length) * entry.item_bytes]
            blocks.append(read_numbers(source, self.name, start + first, part, numbers[:length]))
        return blocks
