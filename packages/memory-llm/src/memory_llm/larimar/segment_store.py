"""Keys and texts of the segments of a long text, in memory or in files that are mapped and read block by block."""

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

BLOCK = 16_384
KEYS, SPANS, TEXT, STORE = "keys.f32", "spans.i64", "text.txt", "store.json"


class SegmentStore:
    """One slot a segment: its key in float32, and where its text lies. Nothing of it is ever on the accelerator.

    Args:
        width: Length of a key.
        folder: Where the files lie; the process's memory if absent.
        fingerprint: Of what makes the keys.

    Source: the needle paper's external memory on the CPU with a fixed key memory; here one row a segment, so that
    nothing is compressed and a read needs no solve.
    """

    def __init__(self, width: int, *, folder: str | os.PathLike[str] | None = None, fingerprint: str = ""):
        self.width, self.fingerprint = width, fingerprint
        self.folder = None if folder is None else Path(folder)
        self._keys: list[np.ndarray] = []
        self._spans: list[np.ndarray] = []
        self._text = ""
        self.count = 0

    def fill(self, text: str, blocks: Iterable[tuple[Tensor, Sequence[tuple[int, int]]]]) -> None:
        """Take in a text, in place of the one before.

        Args:
            text: Whole.
            blocks: Keys ``[segments, width]`` of successive segments and their spans (characters, end exclusive).
        """
        if self.folder is None:
            self._keys, self._spans = [], []
            for keys, spans in blocks:
                self._keys.append(keys.float().cpu().numpy())
                self._spans.append(np.asarray(spans, dtype=np.int64))
        else:
            self._fill_files(text, blocks)
        self._text = text
        self.count = sum(len(keys) for keys in self._keys)

    def _fill_files(self, text: str, blocks: Iterable[tuple[Tensor, Sequence[tuple[int, int]]]]) -> None:
        assert self.folder is not None
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / STORE).unlink(missing_ok=True)  # the store is whole when this file is there again
        with (self.folder / KEYS).open("wb") as keys_file, (self.folder / SPANS).open("wb") as spans_file:
            for keys, spans in blocks:
                _append(keys_file, keys.float().cpu().numpy())
                _append(spans_file, np.asarray(spans, dtype=np.int64))
        (self.folder / TEXT).write_text(text, encoding="utf-8", newline="")
        head = json.dumps({"width": self.width, "fingerprint": self.fingerprint})
        (self.folder / f"{STORE}.partial").write_text(head, encoding="utf-8")
        os.replace(self.folder / f"{STORE}.partial", self.folder / STORE)
        self._map()

    def _map(self) -> None:
        assert self.folder is not None
        self._keys = [np.memmap(self.folder / KEYS, dtype=np.float32, mode="r").reshape(-1, self.width)]
        self._spans = [np.memmap(self.folder / SPANS, dtype=np.int64, mode="r").reshape(-1, 2)]

    @classmethod
    def load(cls, folder: str | os.PathLike[str], *, fingerprint: str = "") -> "SegmentStore":
        """Map a store that was filled before.

        Raises:
            FileNotFoundError: If there is none, or filling it was cut short.
            ValueError: If another encoder filled it.
        """
        path = Path(folder)
        if not (path / STORE).is_file():
            raise FileNotFoundError(f"no whole segment store in {path.absolute()}; take the text in again.")
        head = json.loads((path / STORE).read_text(encoding="utf-8"))
        if fingerprint and head["fingerprint"] != fingerprint:
            raise ValueError(
                f"{path} was filled by encoder {head['fingerprint']}, but this is {fingerprint}; take the text in again."
            )
        store = cls(head["width"], folder=path, fingerprint=head["fingerprint"])
        store._map()
        store._text = (path / TEXT).read_bytes().decode("utf-8")
        store.count = len(store._keys[0])
        return store

    @property
    def key_bytes(self) -> int:
        """Size of all keys."""
        return self.count * self.width * 4

    def nearest(self, query: Float[Tensor, " width"], count: int) -> list[tuple[int, float]]:
        """Segments (0-based) with the largest dot products with the query, best first, looked at in blocks."""
        best: list[tuple[int, float]] = []
        start = 0
        for part in self._keys:
            for offset in range(0, len(part), BLOCK):
                scores = torch.from_numpy(np.array(part[offset : offset + BLOCK])) @ query.float().cpu()
                top = scores.topk(min(count, len(scores)))
                best += [(start + offset + int(i), float(s)) for i, s in zip(top.indices, top.values, strict=True)]
            start += len(part)
        return sorted(best, key=lambda one: -one[1])[:count]

    def span(self, segment: int) -> tuple[int, int]:
        """Where a segment's text begins and ends."""
        for part in self._spans:
            if segment < len(part):
                return int(part[segment][0]), int(part[segment][1])
            segment -= len(part)
        raise IndexError(segment)

    def text(self, start: int, end: int) -> str:
        """A stretch of the text."""
        return self._text[start:end]


def _append(file: BinaryIO, rows: Int[np.ndarray, "..."] | Float[np.ndarray, "..."]) -> None:
    file.write(np.ascontiguousarray(rows).tobytes())
