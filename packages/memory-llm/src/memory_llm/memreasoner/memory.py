"""Lines in memory: their text, what the decoder gets of them, and what questions are compared with."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from memory_llm.memory_header import read_header, write_header
from memory_llm.memreasoner.written import Written

if TYPE_CHECKING:
    from memory_llm.memreasoner.model import MemReasonerForQA

MEMORY_FILE, LATENTS_FILE = "memreasoner_memory.json", "latents.safetensors"
FORMAT_VERSION = 1
WRITTEN = ("ordered", "line_mask", "matrix", "inverse")


class MemReasonerMemory:
    """What a model has made of some lines; :meth:`MemReasonerForQA.write` makes one.

    Attributes:
        lines: Texts, in their order.
        latents: Unordered latents z, which the decoder gets.
        written: One row of ordered latents z~, and what a matrix memory made of them; None if they depend on the
            question.
        fingerprint: Of the model that wrote it.
    """

    def __init__(
        self,
        lines: Sequence[str],
        latents: Float[Tensor, "lines latent"],
        written: Written | None,
        fingerprint: Mapping[str, str],
    ):
        self.lines, self.latents, self.written = list(lines), latents, written
        self.fingerprint = dict(fingerprint)

    def __len__(self) -> int:
        return len(self.lines)

    @property
    def ordered(self) -> Float[Tensor, "lines latent"] | None:
        """Ordered latents z~."""
        return None if self.written is None else self.written.ordered[0]

    def append(self, model: "MemReasonerForQA", lines: Sequence[str]) -> None:
        """Add lines after those there are: only these are encoded, but the order of all is read anew.

        Raises:
            ValueError: If another model wrote this memory, or as :meth:`MemReasonerForQA.write`.
        """
        self.check(model.fingerprint)
        added = model.write(lines)
        latents = torch.cat([self.latents.to(added.latents), added.latents])
        self.written = model.order(latents)
        self.lines, self.latents = self.lines + added.lines, latents

    def check(self, fingerprint: Mapping[str, str]) -> None:
        """See to it that this memory was written by such a model.

        Raises:
            ValueError: If not; the message says in what they differ.
        """
        differing = [name for name, value in fingerprint.items() if self.fingerprint.get(name) != value]
        if differing:
            name = differing[0]
            raise ValueError(
                f"the memory was written with {name}={self.fingerprint.get(name)!r}, but the model has "
                f"{fingerprint[name]!r}; load the checkpoint that wrote it, or write the lines anew."
            )

    def save_pretrained(self, folder: str | os.PathLike[str]) -> Path:
        """Write the memory into a folder; what a killed run leaves is no memory."""
        target = Path(folder)
        target.mkdir(parents=True, exist_ok=True)
        (target / MEMORY_FILE).unlink(missing_ok=True)  # the memory is whole when this file is there again
        written = {} if self.written is None else {name: getattr(self.written, name) for name in WRITTEN}
        parts = {"latents": self.latents, **{name: part for name, part in written.items() if part is not None}}
        save_file({name: part.detach().cpu().contiguous() for name, part in parts.items()}, target / LATENTS_FILE)
        write_header(target / MEMORY_FILE, FORMAT_VERSION, {"fingerprint": self.fingerprint, "lines": self.lines})
        return target

    @classmethod
    def from_pretrained(
        cls, folder: str | os.PathLike[str], *, fingerprint: Mapping[str, str] | None = None
    ) -> "MemReasonerMemory":
        """Open a saved memory.

        Args:
            folder: Where it was saved.
            fingerprint: Of the model in use, see :meth:`check`.

        Raises:
            FileNotFoundError: If there is none, or writing it was cut short.
            ValueError: If a file is damaged, of another version, or another model wrote it.
        """
        path = Path(folder)
        try:
            header = read_header(path / MEMORY_FILE, FORMAT_VERSION, again="write the lines again")
            parts = load_file(path / LATENTS_FILE)
            latents = parts.pop("latents")
            memory = cls(header["lines"], latents, Written(**parts) if parts else None, header["fingerprint"])
        except (json.JSONDecodeError, KeyError, TypeError, SafetensorError) as error:
            raise ValueError(f"{path} is damaged ({type(error).__name__}: {error}); write the lines again.") from error
        if len(memory.latents) != len(memory):
            raise ValueError(
                f"{path} is damaged ({len(memory)} lines, {len(memory.latents)} latents); write the lines again."
            )
        if fingerprint is not None:
            memory.check(fingerprint)
        return memory
