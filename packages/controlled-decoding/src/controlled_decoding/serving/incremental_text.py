"""Text of an answer as it grows: no half character and no part of a stop string ever leaves."""

from collections.abc import Sequence

from transformers import PreTrainedTokenizerBase

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
"""What decoders put in place of bytes that are no character (yet)."""
CONTEXT_TOKENS = 8


class IncrementalText:
    """Decodes tokens one by one into pieces that add up to the decoded whole.

    A token's text depends on its neighbours (spaces before words, characters of several tokens), so a window of tokens
    is decoded anew until its text ends in a whole character; the last such window stays as context of the next.

    Args:
        tokenizer: Of the model; special tokens are left out.
        context: Tokens before the answer, which decide whether it starts with a space; none for a new chat turn.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, context: Sequence[int] = ()):
        self._tokenizer = tokenizer
        self._settled = list(context[-CONTEXT_TOKENS:])
        self._fresh: list[int] = []
        self._told = len(self._decode(self._settled))

    def push(self, token: int) -> str:
        """The text that is certain once this token is known; may be empty."""
        self._fresh.append(token)
        text = self._decode(self._settled + self._fresh)
        certain = len(text.rstrip(REPLACEMENT))
        piece = text[self._told : certain]
        self._told = max(self._told, certain)
        if piece and certain == len(text):
            self._settled, self._fresh = self._fresh, []
            self._told = len(self._decode(self._settled))
        return piece

    def flush(self) -> str:
        """What is left at the end: bytes that never became a character, shown as the tokenizer shows them."""
        text = self._decode(self._settled + self._fresh)
        piece, self._told = text[self._told :], len(text)
        return piece

    def _decode(self, tokens: list[int]) -> str:
        return self._tokenizer.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False)


class StopScanner:
    """Cuts a text at the first of several stop strings, holding back what may turn out to be the start of one."""

    def __init__(self, stops: Sequence[str]):
        self._stops = stops
        self._held = ""
        self.stopped = False

    def push(self, piece: str) -> str:
        """The text that may leave; after a stop string (which never leaves) ``stopped`` is true."""
        text = self._held + piece
        found = [place for stop in self._stops if (place := text.find(stop)) >= 0]
        if found:
            self.stopped, self._held = True, ""
            return text[: min(found)]
        held = max((_overlap(text, stop) for stop in self._stops), default=0)
        cut = len(text) - held
        self._held = text[cut:]
        return text[:cut]

    def flush(self) -> str:
        """What was held back and is no stop string after all."""
        text, self._held = self._held, ""
        return text


def _overlap(text: str, stop: str) -> int:
    """Characters at the end of the text that a stop string starts with."""
    return next((length for length in range(min(len(stop) - 1, len(text)), 0, -1) if text.endswith(stop[:length])), 0)
