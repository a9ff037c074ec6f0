"""Readers to compare a memory with: the whole text in the prompt, and retrieved segments in the prompt."""

from typing import TypeVar

import numpy as np
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from memory_llm.haystack.completion import Completion, complete, window_of
from memory_llm.haystack.segments import Segment, segment
from memory_llm.text_embedder import TextEmbedder

T = TypeVar("T")


class FullContextReader:
    """Puts the whole text before the question; beyond the model's window only the last tokens that fit are read.

    Args:
        model: A causal language model in eval mode.
        tokenizer: Its tokenizer.
        window: Most tokens of prompt and answer; the model's own if None.
    """

    def __init__(
        self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, *, window: int | None = None
    ) -> None:
        self.name = "full context"
        self._model, self._tokenizer = model, tokenizer
        self._window = window_of(model) if window is None else window
        self._text: str | None = None
        self._last = Completion("", 0, 0)

    def ingest(self, text: str) -> None:
        self._text = text

    def ask(self, needle_question: str, cue: str, *, max_new_tokens: int) -> str:
        prompt = _prompt(_ingested(self._text), needle_question, cue)
        self._last = complete(self._model, self._tokenizer, prompt, max_new_tokens=max_new_tokens, window=self._window)
        return self._last.text

    @property
    def bytes_moved(self) -> int:
        return self._last.bytes_moved

    @property
    def truncated(self) -> bool:
        """Whether the last prompt lost its beginning."""
        return self._last.num_dropped > 0


class RAGReader:
    """Retrieves the segments nearest to the question by cosine and puts them before it, in the order of the text.

    Args:
        model: A causal language model in eval mode.
        tokenizer: Its tokenizer, by which segments are cut too.
        encoder: Embeds segments and questions.
        top_k: Segments retrieved.
        max_tokens: Of a segment.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        encoder: TextEmbedder,
        top_k: int = 3,
        *,
        max_tokens: int = 64,
    ) -> None:
        if top_k < 1:
            raise ValueError(f"`top_k` must be at least 1, got {top_k}.")
        self.name = f"retrieval of {top_k} segments of {max_tokens}"
        self._model, self._tokenizer, self._encoder = model, tokenizer, encoder
        self._top_k, self._max_tokens = top_k, max_tokens
        self._segments: list[Segment] | None = None
        self._last = Completion("", 0, 0)

    def ingest(self, text: str) -> None:
        self._segments = list(segment(text, self._tokenizer, self._max_tokens))
        self._embeddings = self._encoder.embed([passage.text for passage in self._segments])

    def retrieve(self, question: str) -> list[Segment]:
        """The segments nearest to a question, in the order of the text."""
        segments = _ingested(self._segments)
        if not segments:
            return []
        similarity = self._embeddings @ self._encoder.embed([question])[0]
        nearest = np.argsort(-similarity, kind="stable")[: self._top_k]
        return [segments[row] for row in np.sort(nearest)]

    def ask(self, needle_question: str, cue: str, *, max_new_tokens: int) -> str:
        passages = "\n\n".join(passage.text for passage in self.retrieve(needle_question))
        self._last = complete(
            self._model,
            self._tokenizer,
            _prompt(passages, needle_question, cue),
            max_new_tokens=max_new_tokens,
            window=window_of(self._model),
        )
        return self._last.text

    @property
    def bytes_moved(self) -> int:
        return self._last.bytes_moved


def _prompt(context: str, question: str, cue: str) -> str:
    return (
        f"{context}\n\nQuestion: {question}\nAnswer: {cue}".rstrip()
    )  # a blank at the end would be a token of its own


def _ingested(value: T | None) -> T:
    if value is None:
        raise ValueError("the reader has taken in no text; call `ingest` before `ask`.")
    return value
