"""Homologues' frequencies as a table, for those who have them and not the alignment."""

import os
from pathlib import Path

import numpy as np
from jaxtyping import Float

from gpu_commons.table_rows import Row, read_rows
from protein_fitness.amino_acids import AMINO_ACIDS

_SLACK = 0.01
"""By which frequencies that were rounded may miss a sum of 1."""


def read_profile_table(path: str | os.PathLike[str], sequence: str) -> Float[np.ndarray, "positions 20"]:
    """A profile from a CSV file with the columns ``position`` (from 1) and the twenty letters, in any order.

    It says nothing of the target's letters, so that only its length is compared with the sequence.

    Args:
        path: Of the file.
        sequence: That is asked about; the table has a row for each of its residues.

    Returns:
        Frequencies in the order of ``AMINO_ACIDS``, each row brought to a sum of 1.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a row is no distribution or at another position than is due, or rows are missing or too many.
    """
    rows = [_frequencies(row, position) for position, row in enumerate(read_rows(Path(path)), start=1)]
    if len(rows) != len(sequence):
        raise ValueError(
            f"{Path(path).name} has {len(rows)} positions and the sequence {len(sequence)}; give a row for each residue."
        )
    found = np.array(rows)
    return found / found.sum(1, keepdims=True)


def _frequencies(row: Row, position: int) -> list[float]:
    if (said := row.text("position")) != str(position):
        raise ValueError(f"{row.place}: position is {said!r} where {position} is due; give a row for each, in order.")
    found = [_share(row, letter) for letter in AMINO_ACIDS]
    if abs(sum(found) - 1) > _SLACK:
        raise ValueError(
            f"{row.place}: the frequencies sum to {sum(found):.3f}; give those of the twenty amino acids, which sum to 1."
        )
    return found


def _share(row: Row, letter: str) -> float:
    text = row.text(letter)
    try:
        share = float(text)
    except ValueError:
        share = float("nan")
    if not 0 <= share <= 1:  # nor is NaN
        raise ValueError(f"{row.place}: {letter} is {text!r}; a frequency is a number from 0 to 1.")
    return share
