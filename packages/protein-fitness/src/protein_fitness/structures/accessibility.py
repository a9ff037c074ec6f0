"""How much of a residue the solvent reaches, of what it could reach."""

from functools import cache

import numpy as np
from biotite.structure import AtomArray, sasa
from biotite.structure.info import bonds_in_residue, vdw_radius_protor
from jaxtyping import Float, Int

from protein_fitness.structures.modified_residues import dictionary_name, letter_of

MAXIMAL_ACCESSIBILITY = {
    "A": 129,
    "C": 167,
    "D": 193,
    "E": 223,
    "F": 240,
    "G": 104,
    "H": 224,
    "I": 197,
    "K": 236,
    "L": 201,
    "M": 224,
    "N": 195,
    "P": 159,
    "Q": 225,
    "R": 274,
    "S": 155,
    "T": 172,
    "V": 174,
    "W": 285,
    "Y": 263,
}
"""Å² of each residue in an extended chain between two glycines (Tien et al. 2013, PLoS ONE 8:e80635, theoretical)."""
_RADIUS = 1.8
"""Å, of atoms that the ProtOr set lacks; biotite takes the same."""


def relative_accessibility(atoms: AtomArray, starts: Int[np.ndarray, " residues"]) -> Float[np.ndarray, " residues"]:
    """Accessible surface of each residue by its type's maximum; a modified residue's is its parent's.

    The surface is of the atoms given and no others: what a ligand, another chain or a crystal's neighbour covers counts
    as exposed. It may exceed 1, most of all at the ends. It is biotite's Shrake-Rupley with a probe of 1.4 Å.

    Args:
        atoms: Heavy atoms of one chain's protein.
        starts: Index of each residue's first atom.

    Returns:
        NaN for residues that lack atoms and for those of no known type.
    """
    radii = np.array(
        [_radius(name, atom) for name, atom in zip(atoms.res_name.tolist(), atoms.atom_name.tolist(), strict=True)]
    )
    surfaces = np.add.reduceat(sasa(atoms, vdw_radii=radii, ignore_ions=False).astype(np.float64), starts)
    stops = np.append(starts[1:], len(atoms))
    maxima = [
        MAXIMAL_ACCESSIBILITY.get(letter_of(name), np.nan)
        if _heavy_atoms(name) <= set(atoms.atom_name[start:stop].tolist())
        else np.nan
        for name, start, stop in zip(atoms.res_name[starts].tolist(), starts, stops, strict=True)
    ]
    return surfaces / np.array(maxima)


@cache
def _heavy_atoms(name: str) -> frozenset[str]:
    """What a residue has inside a chain."""
    atoms = {atom for bond in bonds_in_residue(dictionary_name(name)) for atom in bond}
    return frozenset(atom for atom in atoms if not atom.startswith("H")) - {"OXT"}


@cache
def _radius(name: str, atom: str) -> float:
    try:
        radius = vdw_radius_protor(dictionary_name(name), atom)
    except (KeyError, ValueError):  # an atom that the dictionary does not know, or with a name as of hydrogen
        return _RADIUS
    return _RADIUS if radius is None else radius
