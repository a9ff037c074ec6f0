"""The backbone's atoms, and where a chain is broken."""

import numpy as np
from biotite.structure import AtomArray
from jaxtyping import Bool, Float, Int

from protein_fitness.structures.structure import CA, C, N

LONGEST_BOND = 2.0
"""Å between C and the next N; the bond itself has 1.33."""
_NAMES = {N: "N", CA: "CA", C: "C"}


def backbone_of(atoms: AtomArray, starts: Int[np.ndarray, " residues"]) -> Float[np.ndarray, "residues 3 3"]:
    """N, CA and C of each residue in Å, NaN where one is missing.

    Args:
        atoms: Of one chain.
        starts: Index of each residue's first atom.
    """
    found = np.full((len(starts), 3, 3), np.nan)
    for place, name in _NAMES.items():
        found[:, place] = coordinates_of(name, atoms, starts)
    return found


def coordinates_of(
    name: str, atoms: AtomArray, starts: Int[np.ndarray, " residues"]
) -> Float[np.ndarray, "residues 3"]:
    """Of each residue's atom of that name in Å, NaN where it is missing."""
    found = np.full((len(starts), 3), np.nan)
    at = atoms_named(name, atoms, starts)
    found[at >= 0] = atoms.coord[at[at >= 0]]
    return found


def atoms_named(name: str, atoms: AtomArray, starts: Int[np.ndarray, " residues"]) -> Int[np.ndarray, " residues"]:
    """Index of each residue's atom of that name, the first of several; -1 where it is missing."""
    at = np.flatnonzero(atoms.atom_name == name)[::-1]  # so that the first of several is written last
    found = np.full(len(starts), -1)
    found[np.searchsorted(starts, at, side="right") - 1] = at
    return found


def bonded(backbone: Float[np.ndarray, "residues 3 3"]) -> Bool[np.ndarray, " residues"]:
    """Whether each residue's C is bonded to the next residue's N; the last residue's is not."""
    distances = np.linalg.norm(backbone[1:, N] - backbone[:-1, C], axis=-1)
    return np.append(distances <= LONGEST_BOND, False)  # a NaN is no bond


def breaks_of(
    backbone: Float[np.ndarray, "residues 3 3"], numbers: Int[np.ndarray, " residues"]
) -> Bool[np.ndarray, " residues"]:
    """Whether the chain is broken after each residue.

    It is where C and the next N are farther apart than ``LONGEST_BOND`` or one is missing, and where the number jumps,
    even if the two are bonded; a number that stays, as insertion codes make it, does not jump. After the last residue
    there is no break.
    """
    jumps = ~np.isin(np.diff(numbers), (0, 1))
    return np.append(jumps | ~bonded(backbone)[:-1], False)
