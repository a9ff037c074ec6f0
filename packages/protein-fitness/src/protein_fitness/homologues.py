"""Alignments of relatives, and how often each amino acid stands at a position among them."""

import gzip
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from protein_fitness.amino_acids import AMINO_ACIDS
from protein_fitness.profile_table import read_profile_table
from protein_fitness.structures.notes import listed

IDENTITY = 0.8
"""Relatives at least this alike share one vote; 0.99 is usual for viruses."""
PSEUDOCOUNT = 1.0
_BLOCK = 256


def read_profile(
    path: str | os.PathLike[str], sequence: str, *, identity: float | int = IDENTITY
) -> Float[np.ndarray, "positions 20"]:
    """The profile of an a2m or aligned FASTA (also .gz), whose first sequence is the target, or one that is a table.

    Lower-case residues of the target are in no column, as ProteinGym's alignments have them where few relatives have a
    letter. No relative votes there and the frequencies are the background's, whatever the file shows below them; see
    :func:`alignment_notes`. Relatives are compared in the columns alone.

    Args:
        path: Of the file; .csv for a table, see :func:`protein_fitness.profile_table.read_profile_table`.
        sequence: That is asked about; the target must be it, in upper case or in lower.
        identity: See :func:`profile_of`; a table is taken as it is.

    Raises:
        ValueError: If the file is no alignment and no table, one of another protein, or has no column.
    """
    if Path(path).suffix.lower() == ".csv":
        return read_profile_table(path, sequence)
    sequences = _sequences(Path(path))
    rows = aligned_rows(sequences)
    target = _residues(sequences[0])
    if target.upper() != sequence:
        raise ValueError(
            f"{Path(path).name}: its first sequence ({len(target)} residues) is not the one that is asked about "
            f"({len(sequence)} residues); put that first, with all its residues."
        )
    if not rows.shape[1]:
        raise ValueError(
            f"{Path(path).name}: its first sequence is all lower case and so in no column; give an alignment with "
            "columns in upper case."
        )
    weights = weights_of(rows, identity)
    votes = np.full((len(rows), len(target)), -1)
    votes[:, [letter.isupper() for letter in target]] = rows
    return _frequencies(votes, weights, PSEUDOCOUNT, None)


def alignment_notes(path: str | os.PathLike[str]) -> tuple[str, ...]:
    """What :func:`read_profile` decided of a file that it has read, a sentence each."""
    target = _residues("".join(_sequences(Path(path))[:1]))
    lower = [str(place) for place, letter in enumerate(target, start=1) if letter.islower()]
    if not lower:
        return ()
    return (
        f"{Path(path).name} has no column, and the frequencies of the whole alignment instead, at positions "
        f"{listed(lower)}.",
    )


def _residues(row: str) -> str:
    return "".join(letter for letter in row if letter not in "-.")


def _sequences(path: Path) -> list[str]:
    if not path.is_file():
        raise ValueError(f"there is no file {path}; give an a2m or an aligned FASTA.")
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8") as file:
        entries = file.read().split(">")[1:]
    return ["".join(entry.split("\n")[1:]).replace("\r", "").replace(" ", "") for entry in entries]


def profile_of(
    rows: Int[np.ndarray, "relatives positions"],
    *,
    identity: float | int = IDENTITY,
    pseudocount: float = PSEUDOCOUNT,
    background: Float[np.ndarray, "20"] | None = None,
) -> Float[np.ndarray, "positions 20"]:
    """Weighted frequencies: ``(weights of an amino acid + pseudocount * background) / (all weights + pseudocount)``.

    Args:
        rows: Relatives, amino acids by index and -1 for gaps and unknown letters; the target's columns alone.
        identity: A relative counts one over the number of relatives whose share of equal columns is at least this.
        pseudocount: Votes for the background.
        background: Frequencies; those of the alignment if absent.

    Raises:
        ValueError: If there is no relative, or no such share.
    """
    if not len(rows):
        raise ValueError("the alignment has no sequence; give one with the target and its relatives.")
    return _frequencies(rows, weights_of(rows, identity), pseudocount, background)


def _frequencies(
    rows: Int[np.ndarray, "relatives positions"],
    weights: Float[np.ndarray, " relatives"],
    pseudocount: float,
    background: Float[np.ndarray, "20"] | None,
) -> Float[np.ndarray, "positions 20"]:
    counts = np.stack([((rows == index) * weights[:, None]).sum(0) for index in range(20)], axis=1)
    if background is None:
        background = counts.sum(0) / counts.sum()
    return (counts + pseudocount * background) / (counts.sum(1, keepdims=True) + pseudocount)


def weights_of(rows: Int[np.ndarray, "relatives positions"], identity: float | int) -> Float[np.ndarray, " relatives"]:
    """One over the number of relatives, itself included, that are at least this alike.

    Raises:
        ValueError: If there is no such share.
    """
    if not 0 < identity <= 1:
        raise ValueError(f"`identity` must be above 0 and at most 1, got {identity}.")
    alike = np.zeros(len(rows))
    for start in range(0, len(rows), _BLOCK):
        block = rows[start : start + _BLOCK]
        equal = sum(
            (block == index).astype(np.float32) @ (rows == index).astype(np.float32).T for index in range(-1, 20)
        )
        alike[start : start + _BLOCK] = (equal >= identity * rows.shape[1] - 1e-3).sum(1)
    return 1 / alike


def aligned_rows(sequences: Sequence[str]) -> Int[np.ndarray, "relatives positions"]:
    """Rows of an a2m or aligned FASTA, whose first sequence is the target: its own columns, by index, gaps -1.

    Lower-case letters and dots are insertions of a2m and stand in no column of the target.

    Raises:
        ValueError: If there is none, or they are of different lengths.
    """
    if not sequences:
        raise ValueError("the alignment has no sequence; give one with the target and its relatives.")
    matched = ["".join(letter for letter in text if not (letter.islower() or letter == ".")) for text in sequences]
    lengths = {len(text) for text in matched}
    if len(lengths) > 1:
        odd = next(number for number, text in enumerate(matched, start=1) if len(text) != len(matched[0]))
        raise ValueError(
            f"sequence {odd} of the alignment has {len(matched[odd - 1])} columns and the first {len(matched[0])}; "
            "give an a2m or an aligned FASTA."
        )
    letters = np.array([list(text) for text in matched])
    codes = np.full(letters.shape, -1, dtype=np.int64)
    for index, letter in enumerate(AMINO_ACIDS):
        codes[letters == letter] = index
    return codes[:, letters[0] != "-"]
