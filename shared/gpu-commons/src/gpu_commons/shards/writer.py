"""A checkpoint written piece by piece, aside, with a journal: a killed process goes on where it was."""

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gpu_commons.shards.checkpoint import INDEX_FILE
from gpu_commons.shards.layout import ShardLayout

_JOURNAL_FILE = "journal.jsonl"
_HASH_BYTES = 1 << 20


class ShardWriter:
    """Writes the files of a layout into ``FOLDER.partial``, which is renamed when all is written.

    Attributes:
        aside: The folder that is written to; whatever else belongs to the model may be put there.
        written: Names of tensors that are complete, those of a killed process among them.

    Args:
        folder: What is to be there in the end.
        layouts: From :func:`plan_shards`.
        plan: What decides the bytes, for instance a hash of sources and settings; work of another plan is deleted.

    Raises:
        FileExistsError: If the folder is there already.
        OSError: If the disk has no room for the files.
    """

    def __init__(self, folder: str | os.PathLike[str], layouts: Sequence[ShardLayout], plan: str):
        self.folder = Path(folder).expanduser()
        if self.folder.exists():
            raise FileExistsError(f"{self.folder.absolute()} is there already; delete it or name another folder.")
        self.layouts = list(layouts)
        self.aside = self.folder.with_name(f"{self.folder.name}.partial")
        self.written = self._take_up(plan)
        self._check_room()
        self.aside.mkdir(parents=True, exist_ok=True)
        self._places = {entry.name: entry for layout in self.layouts for entry in layout.entries}
        self._files = {layout.file: self._open(layout) for layout in self.layouts}
        if not (self.aside / _JOURNAL_FILE).exists():
            self._note({"plan": plan})

    def write(self, name: str, start: int, raw: NDArray[np.uint8]) -> None:
        """Put bytes of a tensor's elements, from element ``start`` on.

        Raises:
            OSError: If the disk has become full since there was room; what is finished stays, to go on later.
            ValueError: If the tensor ends before.
        """
        entry = self._places[name]
        descriptor, view, offset = self._files[entry.file.name], raw.data, start * entry.item_bytes
        if offset + len(view) > entry.num_bytes:
            raise ValueError(f"tensor {name!r} has {entry.num_bytes} bytes; byte {offset + len(view)} is none of them.")
        offset += entry.offset
        while view:
            try:
                count = os.pwrite(descriptor, view, offset)
            except OSError as error:
                file = self.aside / entry.file
                raise OSError(error.errno, f"{file}: {error.strerror}; make room and run the same again") from None
            view, offset = view[count:], offset + count

    def finish(self, name: str) -> None:
        """Note that a tensor is complete, after its bytes have reached the disk."""
        descriptor = self._files[self._places[name].file.name]
        os.fsync(descriptor)
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        self._note({"written": name})
        self.written.add(name)

    def complete(self) -> dict[str, str]:
        """Write the index, rename the folder, and return the SHA-256 of each file.

        Raises:
            ValueError: If a tensor is missing.
        """
        if missing := self._places.keys() - self.written:
            raise ValueError(f"{len(missing)} tensors are not written yet, among them {min(missing)!r}.")
        hashes = {name: _sha256(descriptor) for name, descriptor in self._files.items()}
        if len(self.layouts) > 1:
            total = sum(entry.num_bytes for entry in self._places.values())
            places = {name: entry.file.name for name, entry in sorted(self._places.items())}
            index = {"metadata": {"total_size": total}, "weight_map": places}
            (self.aside / INDEX_FILE).write_text(json.dumps(index, indent=2) + "\n", encoding="utf-8")
        self.close()
        (self.aside / _JOURNAL_FILE).unlink()
        os.replace(self.aside, self.folder)
        return hashes

    def discard(self) -> None:
        """Close the files and delete what is written, where no later process could go on with it."""
        self.close()
        shutil.rmtree(self.aside, ignore_errors=True)

    def close(self) -> None:
        """Close the files and leave what is written, to go on later."""
        for descriptor in self._files.values():
            os.close(descriptor)
        self._files.clear()

    def _take_up(self, plan: str) -> set[str]:
        """What an earlier process has written by the same plan; of another one, nothing stays."""
        journal = self.aside / _JOURNAL_FILE
        lines = journal.read_text(encoding="utf-8").splitlines(keepends=True) if journal.is_file() else []
        whole = [json.loads(line) for line in lines if line.endswith("\n")]  # a kill may cut the last one
        if not whole or whole[0] != {"plan": plan}:
            shutil.rmtree(self.aside, ignore_errors=True)
            return set()
        journal.write_text("".join(line for line in lines if line.endswith("\n")), encoding="utf-8")
        return {row["written"] for row in whole[1:]}

    def _check_room(self) -> None:
        there = [self.aside / layout.file for layout in self.layouts]
        taken = sum(file.stat().st_blocks * 512 for file in there if file.is_file())
        needed = sum(layout.num_bytes for layout in self.layouts) - taken
        parent = next(one for one in self.folder.absolute().parents if one.exists())
        if needed > (free := shutil.disk_usage(parent).free):
            raise OSError(
                f"{parent} has {free / 1e9:.2f} GB free, and {needed / 1e9:.2f} GB are to be written; make room or "
                "name a folder on another disk."
            )

    def _open(self, layout: ShardLayout) -> int:
        descriptor = os.open(self.aside / layout.file, os.O_RDWR | os.O_CREAT, 0o644)
        os.ftruncate(descriptor, layout.num_bytes)
        os.pwrite(descriptor, layout.header, 0)
        return descriptor

    def _note(self, row: dict[str, str]) -> None:
        with (self.aside / _JOURNAL_FILE).open("a", encoding="utf-8") as journal:
            journal.write(json.dumps(row) + "\n")
            journal.flush()
            os.fsync(journal.fileno())


def _sha256(descriptor: int) -> str:
    digest, offset = hashlib.sha256(), 0
    while part := os.pread(descriptor, _HASH_BYTES, offset):
        digest.update(part)
        offset += len(part)
    return digest.hexdigest()
