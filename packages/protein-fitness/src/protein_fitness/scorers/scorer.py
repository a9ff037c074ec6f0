"""What ranks mutants, and the kind of it that says one number for each site and amino acid."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from protein_fitness.amino_acids import AMINO_ACIDS
from protein_fitness.mutations.mutation import Mutant
from protein_fitness.protein import Protein


@runtime_checkable
class Scorer(Protocol):
    """Ranks mutants of a protein."""

    @property
    def name(self) -> str:
        """For tables and files."""
        ...

    def score(self, protein: Protein, mutants: Sequence[Mutant]) -> Float[np.ndarray, " mutants"]:
        """A number for each mutant, higher for fitter ones; NaN where the scorer cannot tell.

        Raises:
            ValueError: If the protein lacks what the scorer needs.
        """
        ...


@runtime_checkable
class NotingScorer(Protocol):
    """A scorer that has something to tell of a protein beside scores."""

    def notes(self, protein: Protein) -> tuple[str, ...]:
        """What scores, and for which positions it cannot do what is expected of it, a sentence each."""
        ...


def notes_of(scorer: Scorer, protein: Protein) -> tuple[str, ...]:
    """The notes of a scorer, if it makes any."""
    return scorer.notes(protein) if isinstance(scorer, NotingScorer) else ()


class SiteScorer(ABC):
    """A scorer whose mutants are sums over their sites, so that a matrix says it all.

    Attributes:
        name: For tables and files.
    """

    name: str

    @abstractmethod
    def matrix(self, protein: Protein) -> Float[np.ndarray, "positions 20"]:
        """The score of each amino acid (in the order of ``AMINO_ACIDS``) at each position (0-based).

        What stands at the wild type's own letters is not read.
        """

    def score(self, protein: Protein, mutants: Sequence[Mutant]) -> Float[np.ndarray, " mutants"]:
        matrix = self.matrix(protein)
        return np.array(
            [
                sum(matrix[each.position - 1, AMINO_ACIDS.index(each.to)] for each in mutant.substitutions)
                for mutant in mutants
            ],
            dtype=float,
        )
