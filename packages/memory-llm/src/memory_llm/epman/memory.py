"""A memory of documents: their chunks as text, as what a retriever keeps of them, and as keys and values."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Int
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from gpu_commons.kv_cache import CacheShape
from memory_llm.epman.kv_store import KVLayout, KVStore
from memory_llm.memory_header import read_header, write_header

MEMORY_FILE, ENCODED_FILE = "epman_memory.json", "encoded.safetensors"
FORMAT_VERSION = 1


class EpisodicMemory:
    """Chunks in the order they were written; one document or several.

    Args:
        origin: What made it: fingerprints of decoder, tokenizer and retriever, and the settings of reading. A memory is
            used and added to only where they are the same.
        kv: Keys and values; None if chunks are read anew when they are selected.
        provenance: Where models come from, for whoever opens it; not compared.

    Attributes:
        texts: Of the chunks.
        tokens: Of the chunks, in the decoder's tokenizer.
        starts: Position at which each chunk's first token was read.
        documents: Number of each chunk's document (0-based).
        encoded: What the retriever keeps of the chunks.
    """

    def __init__(
        self, origin: Mapping[str, Any], *, kv: KVStore | None = None, provenance: Mapping[str, Any] | None = None
    ):
        self.origin, self.kv, self.provenance = dict(origin), kv, dict(provenance or {})
        self.texts: list[str] = []
        self.tokens: list[list[int]] = []
        self.starts: list[int] = []
        self.documents: list[int] = []
        self.encoded: Float[Tensor, "chunks width"] | None = None

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def num_tokens(self) -> int:
        """Of all chunks."""
        return sum(map(len, self.tokens))

    @property
    def num_documents(self) -> int:
        """Documents written so far."""
        return self.documents[-1] + 1 if self.documents else 0

    def append(
        self,
        texts: Sequence[str],
        tokens: Sequence[Sequence[int]],
        starts: Sequence[int],
        encoded: Float[Tensor, "chunks width"],
    ) -> None:
        """Add the chunks of one document, whose keys and values are in store already if there is one."""
        self.documents += [self.num_documents] * len(texts)
        self.texts += list(texts)
        self.tokens += [list(chunk) for chunk in tokens]
        self.starts += list(starts)
        self.encoded = encoded if self.encoded is None else torch.cat([self.encoded, encoded])

    def document_numbers(self) -> Int[Tensor, " chunks"]:
        """Number of each chunk's document."""
        return torch.tensor(self.documents)

    def check(self, origin: Mapping[str, Any]) -> None:
        """See to it that this memory was made by such a model.

        Raises:
            ValueError: If not; the message says in what they differ.
        """
        names = sorted({*origin, *self.origin})
        differing = [name for name in names if origin.get(name) != self.origin.get(name)]
        if differing:
            name = differing[0]
            raise ValueError(
                f"the memory was written with {name}={self.origin.get(name)!r}, but the model has {origin.get(name)!r}; "
                "use that model and those settings, or write the document anew."
            )

    def save_pretrained(self, folder: str | os.PathLike[str]) -> Path:
        """Write the memory into a folder; keys and values that are mapped from there stay where they are.

        A run that is killed meanwhile leaves the memory that was there before, unless another one is written over it.
        """
        target = Path(folder)
        target.mkdir(parents=True, exist_ok=True)
        if self.kv is not None and self.kv.folder != target:
            (target / MEMORY_FILE).unlink(missing_ok=True)  # the memory is whole when this file is there again
            self.kv.write(target)
        if self.encoded is not None:
            save_file({"encoded": self.encoded.contiguous()}, target / f"{ENCODED_FILE}.partial")
            os.replace(target / f"{ENCODED_FILE}.partial", target / ENCODED_FILE)
        lines = zip(self.texts, self.tokens, self.starts, self.documents, strict=True)
        header = {
            "origin": self.origin,
            "provenance": self.provenance,
            "kv": None if self.kv is None else _layout_fields(self.kv.layout),
            "chunks": [dict(zip(("text", "tokens", "start", "document"), line, strict=True)) for line in lines],
        }
        write_header(target / MEMORY_FILE, FORMAT_VERSION, header)
        return target

    @classmethod
    def from_pretrained(
        cls, folder: str | os.PathLike[str], *, origin: Mapping[str, Any] | None = None
    ) -> "EpisodicMemory":
        """Open a memory; keys and values stay in its files and are read as they are needed.

        Args:
            folder: Where it was saved.
            origin: Of the model in use, see :meth:`check`.

        Raises:
            FileNotFoundError: If there is none, or writing it was cut short.
            ValueError: If a file is damaged, of another version, or another model wrote it.
        """
        path = Path(folder)
        try:
            header = read_header(path / MEMORY_FILE, FORMAT_VERSION, again="write the document again")
            memory = cls(header["origin"], provenance=header["provenance"])
            for line in header["chunks"]:
                memory.texts.append(line["text"])
                memory.tokens.append(line["tokens"])
                memory.starts.append(line["start"])
                memory.documents.append(line["document"])
            if (path / ENCODED_FILE).is_file():
                memory.encoded = load_file(path / ENCODED_FILE)["encoded"][: len(memory)]
        except (json.JSONDecodeError, KeyError, TypeError, SafetensorError) as error:
            raise ValueError(
                f"{path} is damaged ({type(error).__name__}: {error}); write the document again."
            ) from error
        if origin is not None:
            memory.check(origin)
        if header["kv"] is not None:
            memory.kv = KVStore.mapped(_layout(header["kv"]), path, len(memory))
        return memory


def _layout_fields(layout: KVLayout) -> dict[str, Any]:
    return {
        "shape": list(layout.shape),
        "chunk_size": layout.chunk_size,
        "dtype": str(layout.dtype).removeprefix("torch."),
        "kv_format": layout.kv_format,
    }


def _layout(fields: Mapping[str, Any]) -> KVLayout:
    return KVLayout(
        CacheShape(*fields["shape"]), fields["chunk_size"], getattr(torch, fields["dtype"]), fields["kv_format"]
    )
