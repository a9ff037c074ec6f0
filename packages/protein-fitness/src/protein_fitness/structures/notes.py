"""What was decided while a chain was read, in sentences, and residues as they name them."""

from collections.abc import Sequence

import numpy as np
from biotite.structure import AtomArray
from jaxtyping import Bool, Float, Int

from protein_fitness.amino_acids import UNKNOWN
from protein_fitness.structures.backbone import bonded
from protein_fitness.structures.modified_residues import is_modified, letter_of
from protein_fitness.structures.structure import C, N

_MOST = 10


def labels_of(atoms: AtomArray, starts: Int[np.ndarray, " residues"]) -> tuple[str, ...]:
    """Number and insertion code of each residue, such as "52A", by the index of an atom of it."""
    return tuple(f"{atoms.res_id[at]}{atoms.ins_code[at]}" for at in starts)


def listed(labels: Sequence[str]) -> str:
    """Labels in a row; of many, the first and how many there are."""
    if len(labels) <= _MOST:
        return ", ".join(labels)
    return f"{', '.join(labels[:_MOST])}, ... ({len(labels)} in all)"


def type_notes(names: Sequence[str], labels: Sequence[str]) -> list[str]:
    """On residues that are not among the twenty."""
    notes = []
    for name in dict.fromkeys(filter(is_modified, names)):
        letter = letter_of(name)
        why = ", since it is not made of one of the twenty" if letter == UNKNOWN else ""
        at = [label for other, label in zip(names, labels, strict=True) if other == name]
        notes.append(f"{name} is read as {letter} at {listed(at)}{why}.")
    return notes


def gap_notes(
    backbone: Float[np.ndarray, "residues 3 3"],
    accessibility: Float[np.ndarray, " residues"],
    break_after: Bool[np.ndarray, " residues"],
    labels: Sequence[str],
) -> list[str]:
    """On atoms that are missing and places where the chain is broken."""
    halved = np.isnan(backbone[:, (N, C)]).any(axis=(1, 2))
    goes_on = bonded(backbone)
    kinds = [
        ("N or C is missing at", halved),
        ("Accessibility is not known, for atoms are missing or the type is not known, at", np.isnan(accessibility)),
        ("The chain is broken after", break_after & ~goes_on),
        ("The numbers jump, though the chain goes on, after", break_after & goes_on),
    ]
    return [
        f"{what} {listed([label for label, marked in zip(labels, at, strict=True) if marked])}."
        for what, at in kinds
        if at.any()
    ]
