"""Answers in the layout of OpenAI's chat and completion objects."""

import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from controlled_decoding.serving.row import FinishReason, Piece


class AnswerFormat(ABC):
    """The JSON of one request's answers; subclasses know what differs between the two endpoints."""

    prefix, object_name, chunk_name = "", "", ""

    def __init__(self, model: str, num_prompt_tokens: int, num_answers: int):
        self._head = {"id": f"{self.prefix}-{uuid.uuid4().hex}", "created": int(time.time()), "model": model}
        self._num_prompt_tokens = num_prompt_tokens
        self._num_tokens = [0] * num_answers

    def openings(self) -> list[dict[str, Any]]:
        """Chunks sent before any text."""
        return []

    def chunk(self, piece: Piece) -> dict[str, Any]:
        """One piece of a stream."""
        self._num_tokens[piece.index] = piece.num_tokens
        return self._chunk([self._choice_chunk(piece)])

    def usage_chunk(self) -> dict[str, Any]:
        """The last chunk of a stream that was asked for token counts."""
        return self._chunk([]) | {"usage": self._usage()}

    def whole(self, pieces: Sequence[Piece]) -> dict[str, Any]:
        """The answer to a request without a stream, from all its pieces."""
        texts = [""] * len(self._num_tokens)
        reasons: list[FinishReason | None] = [None] * len(self._num_tokens)
        for piece in pieces:
            texts[piece.index] += piece.text
            self._num_tokens[piece.index] = piece.num_tokens
            reasons[piece.index] = piece.finish_reason or reasons[piece.index]
        choices = [
            self._choice(index, text, reason) for index, (text, reason) in enumerate(zip(texts, reasons, strict=True))
        ]
        return {**self._head, "object": self.object_name, "choices": choices, "usage": self._usage()}

    def _chunk(self, choices: list[dict[str, Any]]) -> dict[str, Any]:
        return {**self._head, "object": self.chunk_name, "choices": choices}

    def _usage(self) -> dict[str, int]:
        made = sum(self._num_tokens)
        return {
            "prompt_tokens": self._num_prompt_tokens,
            "completion_tokens": made,
            "total_tokens": self._num_prompt_tokens + made,
        }

    @abstractmethod
    def _choice(self, index: int, text: str, reason: FinishReason | None) -> dict[str, Any]:
        """A whole answer."""

    @abstractmethod
    def _choice_chunk(self, piece: Piece) -> dict[str, Any]:
        """A piece of an answer."""


class ChatFormat(AnswerFormat):
    """``chat.completion`` and its chunks."""

    prefix, object_name, chunk_name = "chatcmpl", "chat.completion", "chat.completion.chunk"

    def openings(self) -> list[dict[str, Any]]:
        """Whose turn it is, for every answer."""
        return [
            self._chunk(
                [
                    {
                        "index": index,
                        "delta": {"role": "assistant", "content": ""},
                        "logprobs": None,
                        "finish_reason": None,
                    }
                ]
            )
            for index in range(len(self._num_tokens))
        ]

    def _choice(self, index: int, text: str, reason: FinishReason | None) -> dict[str, Any]:
        message = {"role": "assistant", "content": text, "refusal": None}
        return {"index": index, "message": message, "logprobs": None, "finish_reason": reason}

    def _choice_chunk(self, piece: Piece) -> dict[str, Any]:
        delta = {"content": piece.text} if piece.text else {}
        return {"index": piece.index, "delta": delta, "logprobs": None, "finish_reason": piece.finish_reason}


class CompletionFormat(AnswerFormat):
    """``text_completion``, whole and in chunks."""

    prefix, object_name, chunk_name = "cmpl", "text_completion", "text_completion"

    def _choice(self, index: int, text: str, reason: FinishReason | None) -> dict[str, Any]:
        return {"index": index, "text": text, "logprobs": None, "finish_reason": reason}

    def _choice_chunk(self, piece: Piece) -> dict[str, Any]:
        return self._choice(piece.index, piece.text, piece.finish_reason)
