"""The header of a safetensors file, read without its tensors and distrusted: it may be truncated, or made to harm."""

import json
import math
import os
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

ITEM_BYTES = {
    "BOOL": 1, "U8": 1, "I8": 1, "F8_E4M3": 1, "F8_E5M2": 1, "U16": 2, "I16": 2, "F16": 2, "BF16": 2,
    "U32": 4, "I32": 4, "F32": 4, "U64": 8, "I64": 8, "F64": 8,
}  # fmt: skip
LENGTH_BYTES = 8
MOST_HEADER_BYTES = 100_000_000  # the format's own limit


@dataclass(frozen=True, slots=True)
class TensorEntry:
    """One tensor of a file.

    Attributes:
        name: Unique in its checkpoint.
        dtype: As safetensors calls it, such as "BF16".
        shape: Sizes of its axes; empty for a scalar.
        file: Where it lies.
        offset: Its first byte in the file.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    file: Path
    offset: int

    @property
    def num_elements(self) -> int:
        """Product of the sizes; 1 for a scalar."""
        return math.prod(self.shape)

    @property
    def item_bytes(self) -> int:
        """Of one element."""
        return ITEM_BYTES[self.dtype]

    @property
    def num_bytes(self) -> int:
        """Of all elements."""
        return self.num_elements * self.item_bytes


def read_header(path: str | os.PathLike[str]) -> list[TensorEntry]:
    """Tensors of a safetensors file, in the order of their bytes.

    Raises:
        FileNotFoundError: If there is no file.
        ValueError: If the file is shorter than its header says, the header is no JSON of tensors, a tensor's bytes do
            not fit its shape, or two tensors overlap.
    """
    file = Path(path)
    if not file.is_file():
        raise FileNotFoundError(f"no file at {file.absolute()}")
    size = file.stat().st_size
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(LENGTH_BYTES), "little") if size >= LENGTH_BYTES else -1
        if not 0 < length <= min(size - LENGTH_BYTES, MOST_HEADER_BYTES):
            raise ValueError(
                f"{file}: its header should have {length} bytes, and the file has {size}; it is truncated or no "
                "safetensors file, so fetch it again."
            )
        text = stream.read(length)
    try:
        described = json.loads(text, object_pairs_hook=_without_repeats)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{file}: its header is not JSON of tensors ({error}); fetch the file again.") from None
    if not isinstance(described, dict):
        raise ValueError(f"{file}: its header is a JSON {type(described).__name__}, not an object of tensors.")
    start = LENGTH_BYTES + length
    entries = [_entry(file, name, row, start, size) for name, row in described.items() if name != "__metadata__"]
    entries.sort(key=lambda one: (one.offset, one.num_bytes))
    for one, after in pairwise(entries):
        if one.offset + one.num_bytes > after.offset:
            raise ValueError(f"{file}: tensors {one.name!r} and {after.name!r} share bytes; the header is damaged.")
    return entries


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        repeated = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{repeated!r} stands in it twice")
    return found


def _entry(file: Path, name: str, row: Any, start: int, size: int) -> TensorEntry:
    try:
        dtype, shape, (begin, end) = row["dtype"], tuple(row["shape"]), row["data_offsets"]
        whole = all(type(one) is int and one >= 0 for one in (*shape, begin, end))
    except (TypeError, KeyError, ValueError):
        raise ValueError(f"{file}: tensor {name!r} lacks `dtype`, `shape` or `data_offsets` in the header.") from None
    if not whole or begin > end:
        raise ValueError(f"{file}: tensor {name!r} has shape {shape} and offsets {[begin, end]}, which cannot be.")
    if not isinstance(dtype, str) or dtype not in ITEM_BYTES:
        raise ValueError(f"{file}: tensor {name!r} is of dtype {dtype!r}; known are {', '.join(ITEM_BYTES)}.")
    entry = TensorEntry(name, dtype, shape, file, start + begin)
    if entry.num_bytes != end - begin:
        raise ValueError(
            f"{file}: tensor {name!r} of shape {shape} and dtype {dtype} needs {entry.num_bytes} bytes, and the header "
            f"gives it {end - begin}; the header is damaged."
        )
    if start + end > size:
        raise ValueError(
            f"{file}: tensor {name!r} ends at byte {start + end}, and the file has {size}; it is truncated, so fetch "
            "it again."
        )
    return entry
