"""How a structure's chain lies along the sequence that is asked about."""

import csv
import os
from dataclasses import dataclass

import numpy as np
from biotite.sequence import ProteinSequence
from biotite.sequence.align import SubstitutionMatrix, align_optimal
from jaxtyping import Int

from gpu_commons.write_aside import written_aside
from protein_fitness.amino_acids import UNKNOWN, encode
from protein_fitness.structures.structure import Structure

LEAST_IDENTITY = 0.9
"""Of the residues that are aligned; below it the structure is taken for another protein's."""
_LEAST_COVERED = 0.5
"""Of the shorter of the two: a few residues at an end always match by chance."""
_GAP = (-10, -1)
_TAG = 3
"""Mismatches more than matches that make an end a tag."""


@dataclass(frozen=True, kw_only=True, eq=False)
class SequenceMap:
    """Which residue of a structure stands at which position of a sequence.

    Attributes:
        structure: The chain.
        sequence: The target.
        position: Of each residue of the structure, in the sequence, 0-based; -1 where it has none.
        residue: Of each position of the sequence, in the structure, 0-based; -1 where it has none.
        identity: Share of the aligned residues that are the same in both; X counts for neither.
        mismatches: Aligned residues that differ, a sentence each.
    """

    structure: Structure
    sequence: str
    position: Int[np.ndarray, " residues"]
    residue: Int[np.ndarray, " targets"]
    identity: float
    mismatches: tuple[str, ...]

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write a row for each position (1-based): its letter, and number and letter of the residue, if it has one."""
        with written_aside(path) as aside, aside.open("w", newline="", encoding="utf-8") as stream:
            rows = csv.writer(stream, lineterminator="\n")
            rows.writerow(["position", "letter", "residue", "residue_letter"])
            for place, at in enumerate(self.residue.tolist()):
                found = [self.structure.labels[at], self.structure.sequence[at]] if at >= 0 else ["", ""]
                rows.writerow([place + 1, self.sequence[place], *found])


def align(structure: Structure, sequence: str) -> SequenceMap:
    """Align a structure's chain to a sequence, from end to end; what hangs over at the ends costs nothing.

    By BLOSUM62, -10 for a gap's first place and -1 for each further one.
    A gap that could as well stand elsewhere stands where the chain is broken. An end with three or more mismatches more
    than matches is a tag on top of other residues, and is not aligned.

    Args:
        structure: The chain.
        sequence: The target, of the twenty letters and X.

    Raises:
        ValueError: If the sequence is empty or has other letters, less than half of the shorter one is aligned, or less
            than ``LEAST_IDENTITY`` of what is aligned is the same.
    """
    if not sequence:
        raise ValueError(f"the sequence to align {structure.name} to is empty; give the protein's.")
    encode(sequence)  # refuses other letters
    position = _without_tags(_aligned(structure.sequence, sequence), structure.sequence, sequence)
    position = _at_breaks(position, structure, sequence)
    here = np.flatnonzero(position >= 0)
    residue = np.full(len(sequence), -1)
    residue[position[here]] = here
    pairs = [(at, int(position[at])) for at in here if UNKNOWN not in (structure.sequence[at], sequence[position[at]])]
    different = [(at, place) for at, place in pairs if structure.sequence[at] != sequence[place]]
    identity = 1 - len(different) / max(len(pairs), 1)
    _refuse_another(structure, sequence, len(here), identity)
    mismatches = [
        f"{structure.name} has {structure.sequence[at]} at residue {structure.labels[at]}, where the sequence has "
        f"{sequence[place]} at position {place + 1}."
        for at, place in different
    ]
    return SequenceMap(
        structure=structure,
        sequence=sequence,
        position=position,
        residue=residue,
        identity=identity,
        mismatches=tuple(mismatches),
    )


def _aligned(residues: str, sequence: str) -> Int[np.ndarray, " residues"]:
    """Position of each residue in the sequence, -1 where it has none."""
    first = align_optimal(
        ProteinSequence(residues),
        ProteinSequence(sequence),
        SubstitutionMatrix.std_protein_matrix(),
        gap_penalty=_GAP,
        terminal_penalty=False,
        max_number=1,
    )[0]
    position = np.full(len(residues), -1)
    both = (first.trace >= 0).all(axis=1)
    position[first.trace[both, 0]] = first.trace[both, 1]
    return position


def _without_tags(position: Int[np.ndarray, " residues"], residues: str, sequence: str) -> Int[np.ndarray, " residues"]:
    position = position.copy()
    for order in (1, -1):
        here = np.flatnonzero(position >= 0)[::order]
        same = [UNKNOWN in (pair := residues[at] + sequence[position[at]]) or pair[0] == pair[1] for at in here]
        balance = np.cumsum(np.where(same, 1, -1))
        if len(here) and balance.min() <= -_TAG:
            position[here[: balance.argmin() + 1]] = -1
    return position


def _at_breaks(
    position: Int[np.ndarray, " residues"], structure: Structure, sequence: str
) -> Int[np.ndarray, " residues"]:
    """The same alignment with each gap moved to a break of the chain, if the residues between match there too."""
    position = position.copy()
    for last in np.flatnonzero(_jumps(position)).tolist():
        for broken in sorted(np.flatnonzero(structure.break_after).tolist(), key=lambda at: abs(at - last)):
            moved = _moved(position, last, broken)
            low, high = sorted((last, broken))
            between = range(low + 1, high + 1)
            if (position[low : high + 2] >= 0).all() and all(
                structure.sequence[at] == sequence[moved[at]] for at in between
            ):
                position = moved
                break
    return position


def _jumps(position: Int[np.ndarray, " residues"]) -> np.ndarray:
    """Whether positions of the sequence are left out after each residue."""
    return np.append((position[:-1] >= 0) & (np.diff(position) > 1), False)


def _moved(position: Int[np.ndarray, " residues"], last: int, broken: int) -> Int[np.ndarray, " residues"]:
    """The gap after residue ``last`` stands after residue ``broken``."""
    moved = position.copy()
    length = position[last + 1] - position[last] - 1
    if broken > last:
        moved[last + 1 : broken + 1] -= length
    else:
        moved[broken + 1 : last + 1] += length
    return moved


def _refuse_another(structure: Structure, sequence: str, aligned: int, identity: float) -> None:
    chain = f"chain {structure.chain!r} of {structure.name} ({len(structure)} residues)"
    remedy = "check that they are the same protein, and name the right chain"
    if aligned < _LEAST_COVERED * min(len(structure), len(sequence)):
        raise ValueError(
            f"only {aligned} residues of {chain} align with the sequence, which has {len(sequence)}; {remedy}."
        )
    if identity < LEAST_IDENTITY:
        raise ValueError(
            f"{chain} and the sequence ({len(sequence)} residues) are the same at {identity:.0%} of the aligned "
            f"residues, below {LEAST_IDENTITY:.0%}; {remedy}."
        )
