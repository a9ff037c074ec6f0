"""Keys and values of many chunks, on the host or in a mapped file, in the decoder's format or in eight bits."""

import os
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gpu_commons.kv_cache import CacheShape

_EIGHT_BITS = {"int8": (torch.int8, 127.0), "fp8": (torch.float8_e4m3fn, 448.0)}
KV_FILE, SCALES_FILE = "kv.bin", "kv_scales.bin"


@dataclass(frozen=True)
class KVLayout:
    """What one chunk looks like in store.

    Attributes:
        shape: Of the decoder's cache.
        chunk_size: Tokens of a chunk; shorter ones are padded.
        dtype: Of the decoder.
        kv_format: Of what is kept.
    """

    shape: CacheShape
    chunk_size: int
    dtype: torch.dtype
    kv_format: str = "model"

    @property
    def stored_dtype(self) -> torch.dtype:
        """Of what is kept."""
        return self.dtype if self.kv_format == "model" else _EIGHT_BITS[self.kv_format][0]

    @property
    def chunk(self) -> tuple[int, ...]:
        """Shape of one chunk: keys and values, layers, heads, tokens, width of a head."""
        return (2, self.shape.layers, self.shape.heads, self.chunk_size, self.shape.head_dim)

    @property
    def scales(self) -> tuple[int, ...]:
        """Shape of the scales of one chunk."""
        return (*self.chunk[:-1], 1)

    @property
    def bytes_per_token(self) -> int:
        """On the host; scales are counted."""
        layers, heads, head = self.shape
        size = 2 * layers * heads * head * self.stored_dtype.itemsize
        return size if self.kv_format == "model" else size + 4 * 2 * layers * heads


class KVStore:
    """Chunks in the order they were added.

    Args:
        layout: Of a chunk.
        folder: Where a mapped file grows; the process's memory if absent.

    Source: EpMAN 1.5 (keys and values on the host) and, for eight bits, one scale for each token and head.
    """

    def __init__(self, layout: KVLayout, *, folder: str | os.PathLike[str] | None = None):
        self.layout = layout
        self.folder = None if folder is None else Path(folder)
        self._blocks: list[Tensor] = []
        self._scales: list[Tensor] = []
        self._ends: list[int] = []

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    @property
    def nbytes(self) -> int:
        """Of keys, values and scales."""
        return len(self) * self.layout.chunk_size * self.layout.bytes_per_token

    def append(
        self,
        keys: Float[Tensor, "layers chunks heads tokens head"],
        values: Float[Tensor, "layers chunks heads tokens head"],
    ) -> None:
        """Add chunks.

        Raises:
            ValueError: If they do not have the store's shape.
        """
        block = torch.stack([keys, values]).transpose(1, 2).transpose(0, 1).contiguous().cpu()
        if tuple(block.shape[1:]) != self.layout.chunk:
            raise ValueError(
                f"a chunk must have shape {self.layout.chunk} (keys and values, layers, heads, tokens, head), "
                f"got {tuple(block.shape[1:])}."
            )
        stored, scales = self._packed(block)
        if self.folder is None:
            self._blocks.append(stored)
            self._scales.append(scales)
            self._ends.append(len(self) + len(block))
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        for name, tensor in ((KV_FILE, stored), (SCALES_FILE, scales)):
            path = self.folder / name
            path.touch()
            with path.open("r+b") as file:
                # What a killed run has left behind the last whole chunk is written over.
                file.seek(len(self) * tensor[0].numel() * tensor.dtype.itemsize)
                write_bytes(file, tensor)
                file.truncate()
        self._map(len(self) + len(block))

    def cut(self, count: int) -> None:
        """Forget all chunks but so many first ones."""
        if self.folder is not None:
            self._map(count)
            return
        while len(self) > count:
            start = self._ends[-2] if len(self._ends) > 1 else 0
            block, scales = self._blocks.pop(), self._scales.pop()
            self._ends.pop()
            if start < count:
                self._blocks.append(block[: count - start].clone())
                self._scales.append(scales[: count - start].clone())
                self._ends.append(count)

    def read(
        self, numbers: Sequence[int], *, device: torch.device | None = None
    ) -> tuple[Float[Tensor, "layers chunks heads tokens head"], Float[Tensor, "layers chunks heads tokens head"]]:
        """Keys and values of chunks, in the decoder's format, on a device; on the host if absent."""
        rows = [self._row(number) for number in numbers]
        found = torch.stack([self._unpacked(block, row, device or torch.device("cpu")) for block, row in rows])
        return found[:, 0].transpose(0, 1), found[:, 1].transpose(0, 1)

    def write(self, folder: Path) -> None:
        """Copy everything into files of a folder, a block at a time."""
        for name, tensors in ((KV_FILE, self._blocks), (SCALES_FILE, self._scales)):
            with (folder / name).open("wb") as file:
                for tensor in tensors:
                    write_bytes(file, tensor)

    @classmethod
    def mapped(cls, layout: KVLayout, folder: str | os.PathLike[str], count: int) -> "KVStore":
        """A store over the files of a folder, which are read as they are needed.

        Raises:
            ValueError: If they do not hold so many chunks.
        """
        store = cls(layout, folder=folder)
        size = count * layout.chunk_size * layout.bytes_per_token
        there = sum(path.stat().st_size for name in (KV_FILE, SCALES_FILE) if (path := Path(folder) / name).is_file())
        if there < size:
            raise ValueError(
                f"{folder} holds {there} bytes of keys and values, but {size} were written; write it again."
            )
        store._map(count)
        return store

    def _row(self, number: int) -> tuple[int, int]:
        if not 0 <= number < len(self):
            raise IndexError(number)
        block = bisect_right(self._ends, number)
        return block, number - (self._ends[block - 1] if block else 0)

    def _map(self, count: int) -> None:
        assert self.folder is not None
        if not count:  # an empty file cannot be mapped
            self._blocks, self._scales, self._ends = [], [], []
            return
        layout = self.layout
        self._blocks = [_mapped(self.folder / KV_FILE, (count, *layout.chunk), layout.stored_dtype)]
        scales = torch.zeros(count, 0)
        if layout.kv_format != "model":
            scales = _mapped(self.folder / SCALES_FILE, (count, *layout.scales), torch.float32)
        self._scales, self._ends = [scales], [count]

    def _packed(self, block: Tensor) -> tuple[Tensor, Tensor]:
        """What is kept of a block, and its scales."""
        if self.layout.kv_format == "model":
            return block.to(self.layout.dtype), torch.zeros(len(block), 0)
        dtype, largest = _EIGHT_BITS[self.layout.kv_format]
        scales = block.float().abs().amax(-1, keepdim=True).clamp(min=1e-12) / largest
        scaled = block.float() / scales
        return (scaled.round() if dtype == torch.int8 else scaled).to(dtype), scales

    def _unpacked(self, block: int, row: int, device: torch.device) -> Tensor:
        """One chunk; what crosses to the device is what is stored."""
        stored = self._blocks[block][row].to(device)
        if self.layout.kv_format == "model":
            return stored
        return (stored.float() * self._scales[block][row].to(device)).to(self.layout.dtype)


def write_bytes(file: BinaryIO, tensor: Tensor) -> None:
    """Append a tensor's numbers to a file as they lie in memory."""
    file.write(tensor.contiguous().view(torch.uint8).numpy().tobytes() if tensor.numel() else b"")


def _mapped(path: Path, shape: Sequence[int] | Int[Tensor, " dims"], dtype: torch.dtype) -> Tensor:
    size = dtype.itemsize
    for part in shape:
        size *= int(part)
    raw = torch.from_file(str(path), shared=False, size=size, dtype=torch.uint8)
    return raw.view(dtype).view(*shape)
