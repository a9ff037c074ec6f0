"""A long text cut to segments of a bounded number of tokens, whole sentences wherever they fit."""

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Int
from transformers import PreTrainedTokenizerBase

from memory_llm.haystack.sentences import sentence_spans
from memory_llm.haystack.token_offsets import token_starts

_WORD = re.compile(r"\S+")
Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Segment:
    """``text`` is ``source[start_char:end_char]``, with no white space at its ends."""

    text: str
    start_char: int
    end_char: int


def segment(
    text: str,
    tokenizer: PreTrainedTokenizerBase,
    max_tokens: int = 64,
    by: Literal["sentence", "token"] = "sentence",
    overlap: int = 0,
) -> Iterator[Segment]:
    """Cut a text to segments that together hold everything but white space, in order.

    Tokens are counted as the text is tokenized in one piece; a segment encoded by itself may take a token or two more
    or fewer at its first word. Time is linear in the text.

    Args:
        text: To be cut; white space alone gives no segment.
        tokenizer: Whose tokens are counted; it must be a fast one.
        max_tokens: Most tokens in a segment. A sentence that is longer is cut between words, a word that is longer
            between tokens, a character never.
        by: "sentence" packs whole sentences, "token" whole words, as many as fit.
        overlap: Most tokens that a segment repeats from the end of the one before, in whole sentences or words.

    Raises:
        ValueError: If an argument is out of its range, or the tokenizer gives no offsets.

    Source:
        Segmentation for an external memory as in Nelson et al. 2024 (Needle in the Haystack for Memory Based LLMs),
        whose segment length is not published. Differs: sentences are kept whole, so that a needle is not cut.
    """
    if by not in ("sentence", "token"):
        raise ValueError(f"`by` must be 'sentence' or 'token', got {by!r}.")
    if max_tokens < 1:
        raise ValueError(f"`max_tokens` must be at least 1, got {max_tokens}.")
    if not 0 <= overlap < max_tokens:
        raise ValueError(f"`overlap` must lie between 0 and `max_tokens` - 1 = {max_tokens - 1}, got {overlap}.")
    starts = token_starts(text, tokenizer)
    spans = sentence_spans(text) if by == "sentence" else _words(text, 0, len(text))
    units = _small_units(text, spans, starts.tolist(), max_tokens)
    return _pack(text, units, starts, max_tokens, overlap)


def _words(text: str, start: int, end: int) -> list[Span]:
    return [match.span() for match in _WORD.finditer(text, start, end)]


def _small_units(text: str, spans: list[Span], starts: list[int], max_tokens: int) -> list[Span]:
    """The spans, with those that exceed the limit replaced by their words, or by pieces of words."""

    def fits(span: Span) -> bool:
        return bisect_left(starts, span[1]) - bisect_left(starts, span[0]) <= max_tokens

    units: list[Span] = []
    for span in spans:
        if fits(span):
            units.append(span)
            continue
        for word in _words(text, *span):
            units += [word] if fits(word) else _pieces(*word, starts, max_tokens)
    return units


def _pieces(start: int, end: int, starts: list[int], max_tokens: int) -> Iterator[Span]:
    cut = start
    for token in range(bisect_left(starts, start) + max_tokens, bisect_left(starts, end), max_tokens):
        # The tokens of one character begin at the same place: no cut between them.
        if starts[token] > cut:
            yield cut, starts[token]
            cut = starts[token]
    yield cut, end


def _pack(
    text: str, units: list[Span], starts: Int[np.ndarray, " tokens"], max_tokens: int, overlap: int
) -> Iterator[Segment]:
    # Tokens before each unit's start and end. White space between two units counts only where both are in a segment.
    until_start = np.searchsorted(starts, [start for start, _ in units])
    until_end = np.searchsorted(starts, [end for _, end in units])
    first = 0
    while first < len(units):
        stop = int(np.searchsorted(until_end, until_start[first] + max_tokens, side="right"))
        stop = max(stop, first + 1)
        start, end = units[first][0], units[stop - 1][1]
        yield Segment(text[start:end], start, end)
        if stop < len(units):
            # The earliest unit from which on few enough tokens come again and the next unit still fits.
            earliest = max(until_end[stop - 1] - overlap, until_end[stop] - max_tokens)
            stop = min(int(np.searchsorted(until_start, earliest)), stop)
        first = stop
