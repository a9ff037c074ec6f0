"""Burial alone: what a structure says of a site without any learning.

A buried residue tolerates less, whatever it is mutated to. These two are strong on real assays, and a learned model has
to beat them before it may say that it has read the structure.
"""

import numpy as np
from jaxtyping import Float
from scipy.spatial import cKDTree

from protein_fitness.protein import Protein
from protein_fitness.scorers.scorer import SiteScorer
from protein_fitness.structures.structure import CA, Structure

CONTACT_RADIUS = 10.0
"""Å between C-alpha atoms."""


class Accessibility(SiteScorer):
    """Relative solvent accessibility of the mutated site."""

    name = "accessibility"

    def matrix(self, protein: Protein) -> Float[np.ndarray, "positions 20"]:
        structure = needed_structure(protein, self.name)
        return np.repeat(protein.of_structure(structure.accessibility)[:, None], 20, axis=1)


class ContactNumber(SiteScorer):
    """Minus the number of other residues whose C-alpha lies within 10 Å of the mutated site's."""

    name = "contact_number"

    def matrix(self, protein: Protein) -> Float[np.ndarray, "positions 20"]:
        structure = needed_structure(protein, self.name)
        return np.repeat(-protein.of_structure(contact_numbers(structure))[:, None], 20, axis=1)


def contact_numbers(structure: Structure) -> Float[np.ndarray, " residues"]:
    """Other residues whose C-alpha lies within ``CONTACT_RADIUS`` of each residue's."""
    places = structure.backbone[:, CA]
    return cKDTree(places).query_ball_point(places, CONTACT_RADIUS, return_length=True).astype(float) - 1


def needed_structure(protein: Protein, scorer: str) -> Structure:
    """The protein's structure.

    Raises:
        ValueError: If it has none.
    """
    if protein.structure is None:
        raise ValueError(f"{scorer} reads a structure and the protein has none; give one, or another scorer.")
    return protein.structure
