"""Where every tensor of a checkpoint to be written will lie, decided before the first byte is written."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gpu_commons.shards.checkpoint import WEIGHTS_FILE
from gpu_commons.shards.header import LENGTH_BYTES, TensorEntry

_ALIGNMENT = 8


@dataclass(frozen=True, slots=True)
class ShardLayout:
    """One file to be written.

    Attributes:
        file: Its name.
        header: Its first bytes, length included.
        entries: Its tensors, each with its place.
    """

    file: str
    header: bytes
    entries: tuple[TensorEntry, ...]

    @property
    def num_bytes(self) -> int:
        """Of the whole file."""
        return len(self.header) + sum(entry.num_bytes for entry in self.entries)


def plan_shards(tensors: Iterable[TensorEntry], max_shard_bytes: int) -> list[ShardLayout]:
    """Files for tensors in their order; a tensor larger than a file may be gets one of its own.

    Args:
        tensors: Name, dtype and shape count; file and offset do not.
        max_shard_bytes: Of the tensors in one file.
    """
    groups: list[list[TensorEntry]] = [[]]
    for tensor in tensors:
        if groups[-1] and sum(one.num_bytes for one in groups[-1]) + tensor.num_bytes > max_shard_bytes:
            groups.append([])
        groups[-1].append(tensor)
    if len(groups) == 1:
        return [_layout(WEIGHTS_FILE, groups[0])]
    return [
        _layout(f"model-{number:05d}-of-{len(groups):05d}.safetensors", group) for number, group in enumerate(groups, 1)
    ]


def _layout(file: str, tensors: Sequence[TensorEntry]) -> ShardLayout:
    described: dict[str, object] = {"__metadata__": {"format": "pt"}}
    offsets, end = [], 0
    for tensor in tensors:
        offsets.append(end)
        end += tensor.num_bytes
        described[tensor.name] = {
            "dtype": tensor.dtype,
            "shape": list(tensor.shape),
            "data_offsets": [offsets[-1], end],
        }
    text = json.dumps(described, separators=(",", ":")).encode()
    text += b" " * (-len(text) % _ALIGNMENT)
    header = len(text).to_bytes(LENGTH_BYTES, "little") + text
    entries = [
        TensorEntry(tensor.name, tensor.dtype, tensor.shape, Path(file), len(header) + offset)
        for tensor, offset in zip(tensors, offsets, strict=True)
    ]
    return ShardLayout(file, header, tuple(entries))
