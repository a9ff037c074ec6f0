"""How a matrix of sites and amino acids is laid out in rows that can be read, however long the protein is."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from protein_fitness.amino_acids import AMINO_ACIDS
from protein_fitness.site_matrix import SiteMatrix

SITES = 80
"""In a row; more in one row could not be told apart on a page."""
ORDER = "GAVLIMCFYWPSTNQHKRDE"
"""Amino acids from bottom to top: small and greasy, aromatic, polar, charged."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Strip:
    """A row of the picture.

    Attributes:
        first: Its first position, from 1.
        wild: Letters of the wild type.
        scores: In the order of ``ORDER``, and by position.
    """

    first: int
    wild: str
    scores: Float[np.ndarray, "20 sites"]

    @property
    def positions(self) -> list[int]:
        """From 1, along the whole sequence."""
        return list(range(self.first, self.first + len(self.wild)))

    @property
    def mutants(self) -> list[list[str]]:
        """Names, laid out as the scores are."""
        return [
            [f"{wild}{position}{to}" for wild, position in zip(self.wild, self.positions, strict=True)] for to in ORDER
        ]


def strips(matrix: SiteMatrix) -> list[Strip]:
    """The rows, in the order of the sequence."""
    scores = matrix.scores[:, [AMINO_ACIDS.index(letter) for letter in ORDER]].T
    return [
        Strip(first=start + 1, wild=matrix.sequence[start : start + SITES], scores=scores[:, start : start + SITES])
        for start in range(0, len(matrix.sequence), SITES)
    ]
