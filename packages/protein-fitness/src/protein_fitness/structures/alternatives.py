"""One of the alternative locations of each residue."""

from itertools import pairwise

import numpy as np
from biotite.structure import AtomArray, get_residue_starts
from jaxtyping import Float

from protein_fitness.structures.notes import labels_of, listed

_NONE = ("", " ", ".", "?")


def without_alternatives(atoms: AtomArray) -> tuple[AtomArray, list[str]]:
    """The atoms of a chain, each once, and what was decided.

    Of a residue's alternative locations the one whose atoms have the highest mean occupancy is kept; of equals the one
    with more atoms, then the first by letter. So it is where they are residues of two types.

    biotite's own choice goes by the sum, which prefers the larger of two types, and loses all atoms where locations are
    numbered.
    """
    if "altloc_id" not in atoms.get_annotation_categories():
        return atoms, []
    keep, moved, notes = np.isin(atoms.altloc_id, _NONE), [], []
    for start, stop in pairwise(get_residue_starts(atoms, add_exclusive_stop=True)):
        if keep[start:stop].all():
            continue
        place = slice(start, stop)
        keep[place] |= atoms.altloc_id[place] == _chosen(atoms.altloc_id[place], atoms.occupancy[place])
        (label,) = labels_of(atoms, np.array([start]))
        moved.append(label)
        kinds = list(dict.fromkeys(atoms.res_name[place].tolist()))
        if len(kinds) > 1:
            read = atoms.res_name[place][keep[place]][0]
            notes.append(f"Residue {label} is {' or '.join(kinds)}; {read} is read.")
    if moved:
        notes.insert(0, f"Of alternative locations the one of the highest occupancy is read at {listed(moved)}.")
    return atoms[keep], notes


def _chosen(locations: np.ndarray, occupancy: Float[np.ndarray, " atoms"]) -> str:
    def rank(location: str) -> tuple[float, int]:
        of_it = occupancy[locations == location]
        return of_it.mean(), len(of_it)

    return max(sorted(set(locations.tolist()) - set(_NONE)), key=rank)
