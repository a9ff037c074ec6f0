"""One answer in the making: what the engine must know about it, and the pieces of text it gives away."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from transformers import PreTrainedTokenizerBase

from controlled_decoding.serving.incremental_text import IncrementalText, StopScanner
from controlled_decoding.serving.sampling import Sampling

FinishReason = Literal["stop", "length"]


@dataclass(frozen=True, kw_only=True)
class Piece:
    """News of an answer.

    Attributes:
        index: Which of the request's answers (0-based).
        text: Further text; may be empty.
        num_tokens: Tokens generated so far, an end token included.
        finish_reason: Set on the last piece of a complete answer.
        error: Set, as one sentence, on the last piece of an answer that failed.
        is_cut_off: With ``error``: the server is shutting down, rather than at fault.
    """

    index: int
    text: str = ""
    num_tokens: int = 0
    finish_reason: FinishReason | None = None
    error: str | None = None
    is_cut_off: bool = False


class Row:
    """An answer that waits or is being generated; created by a request's thread, advanced by the engine's.

    Args:
        index: Which of the request's answers.
        prompt: Token ids, at least one.
        strengths: Beta per attribute of the engine's steering.
        sampling: Temperature, nucleus, seed.
        max_new_tokens: At which the answer is cut.
        stops: Strings before which the answer ends.
        continues_text: The answer goes on with the prompt's text instead of opening a turn of its own.
        tell: Called from the engine's thread with every piece.
    """

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerBase,
        prompt: Sequence[int],
        strengths: Sequence[float],
        sampling: Sampling,
        *,
        tell: Callable[[Piece], None],
        max_new_tokens: int,
        index: int = 0,
        stops: Sequence[str] = (),
        continues_text: bool = False,
    ):
        self.prompt, self.strengths, self.sampling = tuple(prompt), tuple(strengths), sampling
        self.generator = torch.Generator().manual_seed(sampling.seed)
        self.num_tokens = 0
        self.is_done = False
        self._index, self._max_new_tokens, self._tell = index, max_new_tokens, tell
        self._text = IncrementalText(tokenizer, prompt if continues_text else ())
        self._scanner = StopScanner(stops)

    def accept(self, token: int, *, is_end: bool) -> None:
        """Take the next token and give away what text it settles."""
        self.num_tokens += 1
        text = "" if is_end else self._scanner.push(self._text.push(token))
        is_last = is_end or self.num_tokens == self._max_new_tokens
        if is_last and not self._scanner.stopped:
            text += self._scanner.push(self._text.flush())
        if self._scanner.stopped or is_end:
            self._finish("stop", text)
        elif is_last:
            self._finish("length", text)
        elif text:
            self._tell(Piece(index=self._index, text=text, num_tokens=self.num_tokens))

    def cancel(self) -> None:
        """Stop generating without a further word; may be called from any thread."""
        self.is_done = True

    def fail(self, sentence: str, *, is_cut_off: bool = False) -> None:
        """End with an error."""
        if not self.is_done:
            self.is_done = True
            self._tell(Piece(index=self._index, num_tokens=self.num_tokens, error=sentence, is_cut_off=is_cut_off))

    def _finish(self, reason: FinishReason, text: str) -> None:
        self.is_done = True
        if not self._scanner.stopped:
            text += self._scanner.flush()
        self._tell(Piece(index=self._index, text=text, num_tokens=self.num_tokens, finish_reason=reason))
