"""Homologues: how often each amino acid stands at a position among relatives of the protein."""

import numpy as np
from jaxtyping import Float

from protein_fitness.amino_acids import AMINO_ACIDS
from protein_fitness.protein import Protein
from protein_fitness.scorers.geometry import needed_structure
from protein_fitness.scorers.scorer import SiteScorer

_SMALLEST = 1e-6


class Profile(SiteScorer):
    """Log of the mutant's frequency over the wild type's.

    Source: the site-independent model of ProteinGym; frequencies here are weighted and drawn to a background.
    """

    name = "profile"

    def matrix(self, protein: Protein) -> Float[np.ndarray, "positions 20"]:
        return log_odds(protein, self.name)


class BuriedProfile(SiteScorer):
    """The profile's log-odds times one minus the site's relative accessibility, since exposed sites tolerate more."""

    name = "buried_profile"

    def matrix(self, protein: Protein) -> Float[np.ndarray, "positions 20"]:
        accessibility = protein.of_structure(needed_structure(protein, self.name).accessibility)
        return log_odds(protein, self.name) * (1 - accessibility.clip(0, 1))[:, None]


def log_odds(protein: Protein, scorer: str) -> Float[np.ndarray, "positions 20"]:
    """Log of each amino acid's frequency over that of the wild type's letter; NaN where that is not known.

    Raises:
        ValueError: If the protein has no profile.
    """
    if protein.profile is None:
        raise ValueError(f"{scorer} reads an alignment and the protein has none; give one, or another scorer.")
    logs = np.log(protein.profile.clip(_SMALLEST))
    wild = np.array([AMINO_ACIDS.find(letter) for letter in protein.sequence])
    own = np.where(wild >= 0, logs[np.arange(len(wild)), wild], np.nan)
    return logs - own[:, None]
