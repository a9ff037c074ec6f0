"""What two amino acids say of each other, wherever they stand."""

import numpy as np
from jaxtyping import Float

from protein_fitness.amino_acids import AMINO_ACIDS, encode
from protein_fitness.protein import Protein
from protein_fitness.scorers.scorer import SiteScorer

HYDROPATHY = dict(
    zip(
        "RKNDEQHPYWSTGAMCFLVI",
        (
            -4.5,
            -3.9,
            -3.5,
            -3.5,
            -3.5,
            -3.5,
            -3.2,
            -1.6,
            -1.3,
            -0.9,
            -0.8,
            -0.7,
            -0.4,
            1.8,
            1.9,
            2.5,
            2.8,
            3.8,
            4.2,
            4.5,
        ),
        strict=True,
    )
)
"""Kyte and Doolittle 1982."""


class Blosum62(SiteScorer):
    """The log-odds of the substitution among related proteins (Henikoff and Henikoff 1992)."""

    name = "blosum62"

    def matrix(self, protein: Protein) -> Float[np.ndarray, "positions 20"]:
        return _by_wild_type(protein, blosum62())


class Hydrophobicity(SiteScorer):
    """Minus the change of hydropathy, in either direction."""

    name = "hydrophobicity"

    def matrix(self, protein: Protein) -> Float[np.ndarray, "positions 20"]:
        scale = np.array([HYDROPATHY[letter] for letter in AMINO_ACIDS])
        return _by_wild_type(protein, -np.abs(scale[:, None] - scale[None, :]))


def blosum62() -> Float[np.ndarray, "20 20"]:
    """BLOSUM62 in the order of ``AMINO_ACIDS``."""
    from biotite.sequence import ProteinSequence
    from biotite.sequence.align import SubstitutionMatrix

    order = ProteinSequence(AMINO_ACIDS).code
    return SubstitutionMatrix.std_protein_matrix().score_matrix()[np.ix_(order, order)].astype(float)


def _by_wild_type(protein: Protein, table: Float[np.ndarray, "20 20"]) -> Float[np.ndarray, "positions 20"]:
    wild = encode(protein.sequence)
    return np.where(wild[:, None] >= 0, table[wild], np.nan)
