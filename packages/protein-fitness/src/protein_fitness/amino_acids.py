"""The twenty amino acids in one order for the whole package, and the orders that others use."""

from collections.abc import Sequence

import numpy as np

AMINO_ACIDS = "ACDEFGHIKLMNPQRSTVWY"
"""One letter each, alphabetical; rows, columns and logits of the package are in this order (0-based)."""
UNKNOWN = "X"
"""A residue whose type is not one of the twenty; it is masked, never read as one of them."""
OFFICIAL_ORDER = "GASPVTCILNDQKEMHFRYW"
"""Of the authors' checkpoints."""
_INDEX = {letter: index for index, letter in enumerate(AMINO_ACIDS)}


def encode(sequence: str) -> np.ndarray:
    """Indices in ``AMINO_ACIDS``, int64, -1 for ``UNKNOWN``.

    Raises:
        ValueError: If a letter is neither one of the twenty nor X.
    """
    for position, letter in enumerate(sequence, start=1):
        if letter not in _INDEX and letter != UNKNOWN:
            raise ValueError(
                f"sequence has {letter!r} at position {position}; use {AMINO_ACIDS}, or {UNKNOWN} where it is not known."
            )
    return np.array([_INDEX.get(letter, -1) for letter in sequence], dtype=np.int64)


def columns_of(order: Sequence[str]) -> np.ndarray:
    """Where each of ``AMINO_ACIDS`` stands in another order.

    A table whose columns are in the other order is brought into ours by taking these columns.

    Raises:
        ValueError: If the other order lacks one of the twenty.
    """
    found = list(order)
    if missing := [letter for letter in AMINO_ACIDS if letter not in found]:
        raise ValueError(f"the order {''.join(found)!r} lacks {', '.join(missing)}.")
    return np.array([found.index(letter) for letter in AMINO_ACIDS], dtype=np.int64)
