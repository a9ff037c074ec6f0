"""What lies in a benchmark's folders for an assay: the protein with its structure and its relatives."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from protein_fitness.benchmark.reference import ReferenceAssay
from protein_fitness.homologues import read_profile
from protein_fitness.protein import Protein, make_protein
from protein_fitness.structures import read_structure
from protein_fitness.structures.structure import Structure


@dataclass(frozen=True, kw_only=True)
class Folders:
    """Where ProteinGym's files lie.

    Attributes:
        data: Tables of mutants.
        structures: Predicted structures.
        alignments: Alignments; None if there are none.
    """

    data: Path
    structures: Path
    alignments: Path | None


def protein_of(assay: ReferenceAssay, folders: Folders) -> tuple[Protein, tuple[str, ...]]:
    """The protein with what could be read, and for the rest why it could not, a sentence each."""
    reasons = []
    protein = make_protein(assay.sequence)
    try:
        protein = make_protein(assay.sequence, _structure(assay, folders.structures))
    except (ValueError, OSError) as error:
        reasons.append(str(error))
    if folders.alignments is not None:
        try:
            profile = _profile(assay, folders.alignments)
            protein = make_protein(assay.sequence, protein.structure, profile=profile)
        except (ValueError, OSError) as error:
            reasons.append(str(error))
    return protein, tuple(reasons)


def _structure(assay: ReferenceAssay, folder: Path) -> Structure:
    if len(assay.structures) != 1:
        raise ValueError(
            f"{assay.name} has {len(assay.structures)} structure files in the reference file; it needs one, since "
            "pieces that were predicted apart do not lie as they should in one another's frame."
        )
    return read_structure(folder / assay.structures[0])


def _profile(assay: ReferenceAssay, folder: Path) -> Float[np.ndarray, "positions 20"]:
    """NaN at positions that the alignment does not cover."""
    if not assay.alignment:
        raise ValueError(f"{assay.name} has no alignment in the reference file; name one in MSA_filename.")
    first, last = assay.aligned
    found = np.full((len(assay.sequence), 20), np.nan)
    found[first - 1 : last] = read_profile(
        folder / assay.alignment, assay.sequence[first - 1 : last], identity=assay.identity
    )
    return found
