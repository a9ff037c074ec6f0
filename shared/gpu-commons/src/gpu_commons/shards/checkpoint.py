"""A model's safetensors files seen as one table of tensors, read piece by piece."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from gpu_commons.shards.header import TensorEntry, read_header

WEIGHTS_FILE, INDEX_FILE = "model.safetensors", "model.safetensors.index.json"


class Checkpoint:
    """The tensors of a folder, or of one file.

    Files are read by position and never mapped, so that the memory of a process says what it holds; pages that were
    read are given back to the system, which would otherwise put out other programs' pages for a model of 100 GB.

    Attributes:
        folder: Where the files lie.
        entries: Tensors by name.

    Raises:
        FileNotFoundError: If there is no safetensors file, or one that the index names is absent.
        ValueError: If a header is damaged, a tensor stands in two files, or index and files disagree.
    """

    def __init__(self, path: str | os.PathLike[str]):
        given = Path(path).expanduser()
        self.folder = given if given.is_dir() else given.parent
        self.entries: dict[str, TensorEntry] = {}
        self._open_files: dict[Path, int] = {}
        for file, expected in _files(given).items():
            entries = read_header(file)
            for entry in entries:
                if entry.name in self.entries:
                    there = self.entries[entry.name].file.name
                    raise ValueError(f"{file}: tensor {entry.name!r} stands in {there} too; delete one of the two.")
                self.entries[entry.name] = entry
            if expected is not None and (missing := sorted(expected - {entry.name for entry in entries})):
                raise ValueError(f"{file}: the index says that tensor {missing[0]!r} is in it, and it is not.")

    def __enter__(self) -> "Checkpoint":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the files; reading opens them again."""
        for descriptor in self._open_files.values():
            os.close(descriptor)
        self._open_files.clear()

    @property
    def num_bytes(self) -> int:
        """Of all tensors."""
        return sum(entry.num_bytes for entry in self.entries.values())

    def read_into(self, name: str, start: int, out: NDArray[np.uint8]) -> None:
        """Fill a buffer of bytes with elements of a tensor, from element ``start`` on.

        Raises:
            OSError: If the file ends before, since it was changed after its header was read.
        """
        entry = self.entries[name]
        offset = entry.offset + start * entry.item_bytes
        descriptor, view, done = self._descriptor(entry.file), out.data, 0
        while done < len(view):
            count = os.preadv(descriptor, [view[done:]], offset + done)
            if not count:
                raise OSError(f"{entry.file}: ends within tensor {name!r}, which it held when its header was read.")
            done += count
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(descriptor, offset, len(view), os.POSIX_FADV_DONTNEED)

    def _descriptor(self, file: Path) -> int:
        if file not in self._open_files:
            self._open_files[file] = os.open(file, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        return self._open_files[file]


def pieces(num_elements: int, longest: int) -> Iterator[tuple[int, int]]:
    """Start and length of consecutive pieces."""
    for start in range(0, num_elements, longest):
        yield start, min(longest, num_elements - start)


def _files(path: Path) -> dict[Path, set[str] | None]:
    """Files, with the tensors that an index expects in each."""
    if path.is_file():
        return {path: None}
    if (path / INDEX_FILE).is_file():
        try:
            places = json.loads((path / INDEX_FILE).read_text(encoding="utf-8"))["weight_map"]
            found: dict[Path, set[str]] = {}
            for tensor, file in places.items():
                found.setdefault(path / Path(file).name, set()).add(tensor)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise ValueError(f"{path / INDEX_FILE}: holds no `weight_map` of tensors to files.") from None
        return dict(sorted(found.items()))
    if (path / WEIGHTS_FILE).is_file():
        return {path / WEIGHTS_FILE: None}
    others = sorted(one.name for one in path.glob("*.bin")) if path.is_dir() else []
    remedy = f"; {others[0]} is a pickle, so save the model again with save_pretrained" if others else ""
    raise FileNotFoundError(f"no {WEIGHTS_FILE} and no {INDEX_FILE} in {path.absolute()}{remedy}")
