"""Pairs of sequences that share words of three letters in the same frame: those worth an alignment."""

from collections.abc import Iterator, Sequence

import numpy as np
from biotite.sequence.align import SubstitutionMatrix
from jaxtyping import Int

from protein_fitness.amino_acids import AMINO_ACIDS, encode

WORD = 3
LEAST_SCORE = 36
"""Of the best stretch without gaps, by BLOSUM62."""
_BLOCK = 2**22
_ABSENT = len(AMINO_ACIDS)


def similar_pairs(sequences: Sequence[str]) -> Int[np.ndarray, "pairs 2"]:
    """Pairs that share two words on one diagonal, and around them a stretch of at least ``LEAST_SCORE``.

    A diagonal is a way to lay one sequence along the other without gaps; the two words must not overlap. Sequences are
    worked through in blocks, so memory does not grow with the square of their number.

    Args:
        sequences: Of the twenty letters and X, which is part of no word.

    Returns:
        Numbers of the sequences (0-based), the lower first, each pair once, in order.

    Source: Altschul et al. 1997 (two hits on a diagonal) and Steinegger & Söding 2017, with equal words in place of
    similar ones.
    """
    letters = _padded([encode(sequence) for sequence in sequences])
    found = [np.empty((0, 2), dtype=np.int64)]
    for first, second, shift in _diagonals(letters):
        good = _best_stretch(letters, first, second, shift) >= LEAST_SCORE
        found.append(np.unique(np.stack([first[good], second[good]], axis=1), axis=0))
    return np.unique(np.concatenate(found), axis=0)


def _padded(encoded: list[np.ndarray]) -> Int[np.ndarray, "sequences longest"]:
    letters = np.full((len(encoded), max(map(len, encoded), default=0) + WORD), _ABSENT)
    for row, known in zip(letters, encoded, strict=True):
        row[: len(known)] = np.where(known < 0, _ABSENT, known)
    return letters


def _diagonals(letters: Int[np.ndarray, "sequences longest"]) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Pairs (a < b) with two words apart on a diagonal, and how far a position in b is behind its place in a."""
    count, longest = letters.shape
    windows = np.lib.stride_tricks.sliding_window_view(letters, WORD, axis=1)
    owner, place = np.nonzero((windows < _ABSENT).all(-1))
    word = windows[owner, place] @ _ABSENT ** np.arange(WORD)
    by_word = np.argsort(word, kind="stable")
    after = np.searchsorted(word[by_word], word, side="right")
    # Within a word entries lie in the order of their sequences, so partners of higher number follow an entry.
    rank = np.empty(len(word), dtype=np.int64)
    rank[by_word] = np.arange(len(word))
    partners = after - rank - 1
    for begin, end in _blocks(partners, owner):
        hits = np.repeat(np.arange(begin, end), partners[begin:end])
        within = np.arange(len(hits)) - np.repeat(
            np.cumsum(partners[begin:end]) - partners[begin:end], partners[begin:end]
        )
        other = by_word[rank[hits] + 1 + within]
        apart = owner[other] != owner[hits]
        hits, other = hits[apart], other[apart]
        shift = place[hits] - place[other] + longest
        key = (owner[hits] * count + owner[other]) * (2 * longest) + shift
        both = np.sort(key * longest + place[hits])
        key, at = np.divmod(both, longest)
        starts = np.flatnonzero(np.diff(key, prepend=-1))
        ends = np.append(starts[1:], len(key)) - 1
        twice = key[starts[at[ends] - at[starts] >= WORD]] if len(starts) else key
        pair, shift = np.divmod(twice, 2 * longest)
        yield pair // count, pair % count, shift - longest


def _blocks(partners: Int[np.ndarray, " words"], owner: Int[np.ndarray, " words"]) -> Iterator[tuple[int, int]]:
    """Runs of words, whole sequences each, with about as many hits as fit a block."""
    if not len(owner):
        return
    starts = np.flatnonzero(np.diff(owner, prepend=-1))
    hits = np.add.reduceat(partners, starts).cumsum()
    cuts = starts[np.flatnonzero(np.diff(hits // _BLOCK, prepend=-1))]
    yield from zip([0, *cuts[1:].tolist()], [*cuts[1:].tolist(), len(owner)], strict=True)


def _best_stretch(
    letters: Int[np.ndarray, "sequences longest"],
    first: Int[np.ndarray, " pairs"],
    second: Int[np.ndarray, " pairs"],
    shift: Int[np.ndarray, " pairs"],
) -> Int[np.ndarray, " pairs"]:
    """Highest score of a stretch of each pair on its diagonal."""
    scores = np.full((_ABSENT + 1, _ABSENT + 1), -100)
    matrix = SubstitutionMatrix.std_protein_matrix()
    scores[:_ABSENT, :_ABSENT] = [[matrix.get_score(one, other) for other in AMINO_ACIDS] for one in AMINO_ACIDS]
    last = letters.shape[1] - 1
    running = best = np.zeros(len(first), dtype=np.int64)
    for step in range(last):
        here = np.minimum(np.maximum(shift, 0) + step, last)
        there = np.minimum(np.maximum(-shift, 0) + step, last)
        running = np.maximum(running + scores[letters[first, here], letters[second, there]], 0)
        best = np.maximum(best, running)
    return best
