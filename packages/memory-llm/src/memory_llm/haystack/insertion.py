"""Haystacks: a stretch of a book with a needle put between two of its sentences at a wanted depth."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from transformers import PreTrainedTokenizerBase

from memory_llm.haystack.indexed_book import IndexedBook, Stretch
from memory_llm.haystack.needles import Needle, passkey
from memory_llm.haystack.token_offsets import token_starts

REPEATED_PASSAGE = (
    "The meadow lies quiet and the brook runs slowly. A cloud moves over the hill. The path leads to the gate and back "
    "to the house. Evening comes and morning follows."
)
Filler = Literal["book", "repeat"]


@dataclass(frozen=True, kw_only=True)
class Haystack:
    """A long text and what is hidden in it."""

    text: str
    needle: Needle
    depth: float
    """Where the needle was asked to lie, from 0 (before the first sentence) to 1 (after the last), in tokens."""
    num_tokens: int
    """Length asked for, needle included."""
    counted_tokens: int
    """Length of the text by the tokenizer that cut it, without special tokens; at most ``num_tokens``."""
    needle_char: int
    """Index in the text of the needle's first character."""
    seed: int
    """Of the stretch; with a grid also of the needle."""


def make_haystack(
    book: str | IndexedBook | None,
    tokenizer: PreTrainedTokenizerBase,
    num_tokens: int,
    depth: float,
    needle: Needle,
    seed: int,
    *,
    filler: Filler = "book",
) -> Haystack:
    """Hide a needle in a random contiguous stretch of a book.

    The stretch consists of whole sentences; the needle goes to the boundary between sentences nearest to the depth.
    A book that is too short is repeated.

    Args:
        book: Its text, or an :class:`IndexedBook` if many haystacks are cut from it; None if nothing of it is used.
        tokenizer: Whose tokens are counted; it must be a fast one.
        num_tokens: Most tokens in the haystack, needle included; from a few hundred on it is nearly reached.
        depth: From 0 (first) to 1 (last), in tokens of the stretch.
        needle: What to hide.
        seed: Of the stretch; the same seed gives the same haystack.
        filler: "book", or "repeat" for one short passage over and over, the classic easy case.

    Raises:
        ValueError: If an argument is out of its range, or there is no room for the needle and one sentence.

    Source:
        Kamradt 2023 for the depth, Mohtashami and Jaggi 2023 for the repeated passage (its words are ours). Differs:
        never cuts a sentence, and counts the needle.
    """
    if not 0 <= depth <= 1:
        raise ValueError(f"`depth` must lie between 0 (first) and 1 (last), got {depth}.")
    indexed = _indexed(book, tokenizer, filler)
    needle_tokens = len(token_starts(f" {needle.sentence}", tokenizer))
    if num_tokens <= needle_tokens:
        raise ValueError(f"`num_tokens` must exceed the needle's {needle_tokens} tokens, got {num_tokens}.")
    room = num_tokens - needle_tokens
    while True:
        stretch = indexed.draw_stretch(room, np.random.default_rng(seed))
        text, needle_char = _insert(stretch, needle, depth)
        counted = len(token_starts(text, tokenizer))
        if counted <= num_tokens:
            return Haystack(
                text=text,
                needle=needle,
                depth=depth,
                num_tokens=num_tokens,
                counted_tokens=counted,
                needle_char=needle_char,
                seed=seed,
            )
        # Tokens at the seams may differ from those counted in the book.
        room -= counted - num_tokens


def make_grid(
    book: str | IndexedBook | None,
    tokenizer: PreTrainedTokenizerBase,
    *,
    lengths: Sequence[int],
    depths: Sequence[float],
    per_cell: int = 1,
    seed: int = 0,
    make_needle: Callable[[np.random.Generator], Needle] = passkey,
    filler: Filler = "book",
) -> Iterator[Haystack]:
    """Haystacks of every length and depth, one at a time, ``per_cell`` of each with needles of their own.

    A haystack depends on its length, depth, number in the cell and the seed, and not on what else is in the grid, so
    that a grid can be made larger and go on where it was.

    Args:
        book: See :func:`make_haystack`.
        tokenizer: See :func:`make_haystack`.
        lengths: In tokens.
        depths: From 0 to 1.
        per_cell: Haystacks for each pair of length and depth.
        seed: Not negative.
        make_needle: :func:`passkey`, :func:`needle` or your own.
        filler: See :func:`make_haystack`.

    Raises:
        ValueError: If there is nothing to make, or as in :func:`make_haystack`.
    """
    if per_cell < 1 or not lengths or not depths:
        raise ValueError(
            f"a grid needs lengths, depths and at least one haystack in a cell, got {len(lengths)} lengths, "
            f"{len(depths)} depths and {per_cell} in a cell."
        )
    indexed = _indexed(book, tokenizer, filler)
    cells = [(length, depth, n) for length in lengths for depth in depths for n in range(per_cell)]
    return (_grid_haystack(indexed, cell, seed, make_needle) for cell in cells)


def _grid_haystack(
    book: IndexedBook,
    cell: tuple[int, float, int],
    seed: int,
    make_needle: Callable[[np.random.Generator], Needle],
) -> Haystack:
    length, depth, number = cell
    entropy = np.random.SeedSequence([seed, length, round(depth * 1e6), number])
    own_seed = int(entropy.generate_state(1)[0])
    needle = make_needle(np.random.default_rng([own_seed, 1]))
    return make_haystack(book, book.tokenizer, length, depth, needle, own_seed)


def _indexed(book: str | IndexedBook | None, tokenizer: PreTrainedTokenizerBase, filler: Filler) -> IndexedBook:
    if filler not in ("book", "repeat"):
        raise ValueError(f"`filler` must be 'book' or 'repeat', got {filler!r}.")
    if filler == "repeat":
        return IndexedBook(REPEATED_PASSAGE, tokenizer)
    if book is None:
        raise ValueError("`book` must be given with `filler='book'`, got None; give its text, or `filler='repeat'`.")
    if isinstance(book, str):
        return IndexedBook(book, tokenizer)
    if book.tokenizer is not tokenizer:
        raise ValueError("`book` was indexed with another tokenizer than `tokenizer`; index it with this one.")
    return book


def _insert(stretch: Stretch, needle: Needle, depth: float) -> tuple[str, int]:
    tokens = stretch.boundary_tokens
    boundary = int(np.abs(tokens - depth * tokens[-1]).argmin())
    char = int(stretch.boundary_chars[boundary])
    before, after = stretch.text[:char].lstrip(), stretch.text[char:]
    if not before:
        return needle.sentence + after, 0
    return f"{before} {needle.sentence}{after}", len(before) + 1
