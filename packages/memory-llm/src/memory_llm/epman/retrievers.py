"""Who tells which chunks a question is about: sentence encoders, dual encoders, BM25, or the user's own."""

import hashlib
import warnings
from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor
from transformers import AutoModel, AutoTokenizer

from gpu_commons import resolve_device
from memory_llm.text_embedder import TextEmbedder

LONGEST = 512
"""Tokens that a dual encoder reads of a text."""


@runtime_checkable
class Retriever(Protocol):
    """Scores chunks for questions.

    Attributes:
        fingerprint: Changes with whatever changes the encodings of chunks.
    """

    fingerprint: str

    def encode_chunks(self, texts: Sequence[str]) -> Float[Tensor, "chunks width"]:
        """What is kept of chunks beside their text; its width may be 0."""

    def scores(
        self, questions: Sequence[str], texts: Sequence[str], encoded: Float[Tensor, "chunks width"]
    ) -> Float[Tensor, "questions chunks"]:
        """How much each chunk is about each question; higher is more."""


@runtime_checkable
class DenseRetriever(Retriever, Protocol):
    """One that scores by the dot product of two vectors."""

    def encode_questions(self, questions: Sequence[str]) -> Float[Tensor, "questions width"]:
        """Vectors of questions."""


class EmbeddingRetriever:
    """Cosine of embeddings by one encoder for questions and chunks.

    Args:
        embedder: For instance :class:`gpu_commons.SentenceEncoder`.
    """

    def __init__(self, embedder: TextEmbedder):
        self.embedder = embedder
        self.fingerprint = f"embeddings {getattr(embedder, 'sha256', type(embedder).__name__)}"

    def encode_chunks(self, texts: Sequence[str]) -> Float[Tensor, "chunks width"]:
        return torch.from_numpy(self.embedder.embed(list(texts))).float()

    def encode_questions(self, questions: Sequence[str]) -> Float[Tensor, "questions width"]:
        return self.encode_chunks(questions)

    def scores(
        self, questions: Sequence[str], texts: Sequence[str], encoded: Float[Tensor, "chunks width"]
    ) -> Float[Tensor, "questions chunks"]:
        return self.encode_questions(questions) @ encoded.mT


class HFDualEncoder:
    """Two encoders of transformers, one for questions and one for chunks, read at their first token (CLS).

    Args:
        question_encoder: Hub id or folder.
        chunk_encoder: The same; the question's if absent.
        similarity: Of the two vectors. Dragon's model card takes the dot product, the paper says cosine.
        device: "auto" or a torch device.
        batch_size: Texts of a forward pass.

    Source: EpMAN 1.1 (Dragon, a dual encoder of the size of BERT).
    """

    def __init__(
        self,
        question_encoder: str,
        chunk_encoder: str | None = None,
        *,
        similarity: str = "dot",
        device: str = "auto",
        batch_size: int = 32,
    ):
        if similarity not in ("cos", "dot"):
            raise ValueError(f"`similarity` must be 'cos' or 'dot', got {similarity!r}.")
        self.device, self.similarity, self.batch_size = resolve_device(device), similarity, batch_size
        self.tokenizer = AutoTokenizer.from_pretrained(question_encoder)
        self._questions = self._load(question_encoder)
        self._chunks = self._questions if chunk_encoder is None else self._load(chunk_encoder)
        self.fingerprint = f"dual {chunk_encoder or question_encoder} {similarity}"

    def encode_chunks(self, texts: Sequence[str]) -> Float[Tensor, "chunks width"]:
        return self._encode(self._chunks, texts)

    def encode_questions(self, questions: Sequence[str]) -> Float[Tensor, "questions width"]:
        return self._encode(self._questions, questions)

    def scores(
        self, questions: Sequence[str], texts: Sequence[str], encoded: Float[Tensor, "chunks width"]
    ) -> Float[Tensor, "questions chunks"]:
        return self.encode_questions(questions) @ encoded.mT

    def _load(self, source: str) -> torch.nn.Module:
        return AutoModel.from_pretrained(source).to(self.device).eval()

    @torch.inference_mode()
    def _encode(self, model: torch.nn.Module, texts: Sequence[str]) -> Float[Tensor, "texts width"]:
        found = []
        for start in range(0, len(texts), self.batch_size):
            batch = list(texts[start : start + self.batch_size])
            tokens = self.tokenizer(batch, padding=True, truncation=True, max_length=LONGEST, return_tensors="pt")
            if tokens["input_ids"].shape[1] == LONGEST:
                warnings.warn(
                    f"a text has {LONGEST} tokens of the retriever or more, and what is beyond is not scored; make chunks "
                    "smaller.",
                    stacklevel=4,
                )
            found.append(model(**tokens.to(self.device)).last_hidden_state[:, 0].float().cpu())
        vectors = torch.cat(found)
        return torch.nn.functional.normalize(vectors, dim=-1) if self.similarity == "cos" else vectors


class BM25Retriever:
    """Words in common, by the library bm25s; nothing but the text is kept of a chunk.

    Raises:
        ImportError: If bm25s is not installed.
    """

    fingerprint = "bm25"

    def __init__(self) -> None:
        try:
            import bm25s
        except ImportError as error:
            raise ImportError("BM25 needs the package bm25s: pip install 'memory-llm[bm25]'") from error
        self._library = bm25s
        self._index: tuple[str, object] | None = None

    def encode_chunks(self, texts: Sequence[str]) -> Float[Tensor, "chunks width"]:
        return torch.zeros(len(texts), 0)

    def scores(
        self, questions: Sequence[str], texts: Sequence[str], encoded: Float[Tensor, "chunks width"]
    ) -> Float[Tensor, "questions chunks"]:
        index = self._indexed(texts)
        rows = [index.get_scores(list(tokens)) for tokens in self._words(questions)]  # type: ignore[attr-defined]
        return torch.stack([torch.as_tensor(row).float() for row in rows])

    def _indexed(self, texts: Sequence[str]) -> object:
        """The index of these texts, made once."""
        digest = hashlib.sha256("\0".join(texts).encode()).hexdigest()
        if self._index is None or self._index[0] != digest:
            index = self._library.BM25()
            index.index(self._words(texts), show_progress=False)
            self._index = (digest, index)
        return self._index[1]

    def _words(self, texts: Sequence[str]) -> list[list[str]]:
        return self._library.tokenize(list(texts), return_ids=False, show_progress=False, stopwords="en")
