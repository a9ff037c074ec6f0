"""Which residues of a chain are its protein."""

import numpy as np
from biotite.structure import AtomArray, get_residue_starts, spread_residue_wise
from jaxtyping import Bool, Int

from protein_fitness.structures.backbone import backbone_of, bonded
from protein_fitness.structures.modified_residues import is_amino_acid


def protein_of(atoms: AtomArray) -> AtomArray:
    """The heavy atoms of a chain's protein, without water and ligands.

    A residue is taken for protein if the Chemical Component Dictionary says so, or if it has N, CA and C. If the file
    marks it as a heteroatom it must also stand before the chain's last ordinary residue, or be bonded to a neighbour:
    a free amino acid is a ligand.

    Args:
        atoms: Of one chain, without alternatives. Coordinates that are not finite count as missing.
    """
    atoms = atoms[~np.isin(atoms.element, ("H", "D")) & np.isfinite(atoms.coord).all(axis=-1)]
    if not len(atoms):
        return atoms
    return atoms[spread_residue_wise(atoms, _is_protein(atoms, get_residue_starts(atoms)))]


def _is_protein(atoms: AtomArray, starts: Int[np.ndarray, " residues"]) -> Bool[np.ndarray, " residues"]:
    backbone, hetero = backbone_of(atoms, starts), atoms.hetero[starts]
    named = np.array([is_amino_acid(name) for name in atoms.res_name[starts].tolist()])
    amino = named | np.isfinite(backbone).all(axis=(1, 2))
    ordinary = np.flatnonzero(amino & ~hetero)
    inside = np.arange(len(starts)) < (ordinary[-1] if len(ordinary) else 0)
    after = bonded(backbone)
    return amino & (~hetero | inside | after | np.roll(after, 1))
