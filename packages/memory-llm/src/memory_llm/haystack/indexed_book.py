"""A book that knows its sentences and how many tokens each takes, so that stretches of any length are found at once."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int
from transformers import PreTrainedTokenizerBase

from memory_llm.haystack.sentences import sentence_spans
from memory_llm.haystack.token_offsets import token_starts

# Of the stretches that fit, those this full are drawn from: the length asked for is then nearly the length given.
_FULL_ENOUGH = 0.98
_BETWEEN_READINGS = "\n\n"


@dataclass(frozen=True, slots=True)
class Stretch:
    """Whole sentences of a book: ``text``, and for each boundary between them, from the very beginning to the very
    end, its place in the text and the number of tokens before it.
    """

    text: str
    boundary_chars: Int[np.ndarray, " boundaries"]
    boundary_tokens: Int[np.ndarray, " boundaries"]


class IndexedBook:
    """A text, tokenized once and read in a circle: after its end it begins anew.

    Args:
        text: Of the book.
        tokenizer: Whose tokens are counted; it must be a fast one.

    Raises:
        ValueError: If the text has no tokens but white space, or the tokenizer gives no offsets.
    """

    def __init__(self, text: str, tokenizer: PreTrainedTokenizerBase) -> None:
        self.tokenizer = tokenizer
        self._text = _BETWEEN_READINGS + text.strip()
        ends = [end for _, end in sentence_spans(self._text)]
        # Entry n: characters and tokens before sentence n; a sentence counts with the white space before it.
        self._chars = np.array([0, *ends])
        self._tokens = np.concatenate([[0], np.searchsorted(token_starts(self._text, tokenizer), ends)])
        self.num_sentences = len(ends)
        self.num_tokens = int(self._tokens[-1])
        if not self.num_tokens:
            raise ValueError("the book holds no text; give a file with sentences in it.")

    def draw_stretch(self, max_tokens: int, rng: np.random.Generator) -> Stretch:
        """A random stretch of whole sentences of at most ``max_tokens`` tokens, nearly that many if sentences allow.

        It runs over the book's end only if the book is shorter than the stretch.

        Raises:
            ValueError: If no sentence is as short.
        """
        if self.num_tokens > max_tokens:
            firsts = np.flatnonzero(self._tokens[:-1] + max_tokens <= self.num_tokens)
        else:
            firsts = np.arange(self.num_sentences)
        stops = self._last_within(self._tokens[firsts] + max_tokens)
        lengths = self._tokens_before(stops) - self._tokens[firsts]
        if max_tokens < 1 or not lengths.any():
            raise ValueError(
                f"{max_tokens} tokens are left for the book, fewer than its sentences have; ask for a longer haystack."
            )
        full = np.flatnonzero(lengths >= _FULL_ENOUGH * max_tokens)
        chosen = int(rng.choice(full)) if len(full) else int(lengths.argmax())
        return self._stretch(int(firsts[chosen]), int(stops[chosen]))

    def _stretch(self, first: int, stop: int) -> Stretch:
        sentences = np.arange(first, stop + 1)
        chars, tokens = self._chars_before(sentences), self._tokens_before(sentences)
        text = (self._text * (stop // self.num_sentences + 1))[chars[0] : chars[-1]]
        return Stretch(text, chars - chars[0], tokens - tokens[0])

    def _last_within(self, tokens: Int[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
        """The last boundary, counted on through readings of the book, with at most that many tokens before it."""
        readings, rest = np.divmod(tokens, self.num_tokens)
        return readings * self.num_sentences + np.searchsorted(self._tokens, rest, side="right") - 1

    def _tokens_before(self, sentences: Int[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
        readings, sentence = np.divmod(sentences, self.num_sentences)
        return readings * self.num_tokens + self._tokens[sentence]

    def _chars_before(self, sentences: Int[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
        readings, sentence = np.divmod(sentences, self.num_sentences)
        return readings * len(self._text) + self._chars[sentence]
