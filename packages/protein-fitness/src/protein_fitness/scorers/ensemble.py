"""Several scorers as one: the mean of their z-scores."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from protein_fitness.mutations.mutation import Mutant, all_singles
from protein_fitness.protein import Protein
from protein_fitness.scorers.scorer import Scorer, notes_of


class Ensemble:
    """The mean of z-scores of its members.

    A z-score needs a population. That of the paper is the assay itself, so that a mutant's score depends on its
    companions; with all single mutants of the protein it does not.

    Args:
        members: Two scorers or more.
        reference: "assay", or "all_singles" for scores that stay the same from call to call.

    Raises:
        ValueError: If there are fewer than two members, or the reference is another.

    Source: section 4.1 of the paper sums the scores of two members, which ranks alike; sample standard deviation.
    """

    def __init__(self, members: Sequence[Scorer], *, reference: str = "all_singles"):
        if len(members) < 2:
            raise ValueError(f"an ensemble needs two members or more, got {len(members)}.")
        if reference not in ("assay", "all_singles"):
            raise ValueError(f"`reference` is {reference!r}; it can be 'assay' or 'all_singles'.")
        self.members, self.reference = list(members), reference

    @property
    def name(self) -> str:
        """Names of the members; that of a predictor tells the mode it used."""
        return "+".join(member.name for member in self.members)

    def notes(self, protein: Protein) -> tuple[str, ...]:
        """Of all members."""
        return tuple(note for member in self.members for note in notes_of(member, protein))

    def score(self, protein: Protein, mutants: Sequence[Mutant]) -> Float[np.ndarray, " mutants"]:
        singles = all_singles(protein.sequence) if self.reference == "all_singles" else []
        standard = []
        for member in self.members:
            population = member.score(protein, singles) if singles else None
            scores = member.score(protein, mutants)  # last, since a predictor's name tells the mode that it used last
            standard.append(_standardised(scores, scores if population is None else population, member.name))
        return np.mean(standard, axis=0)


def _standardised(
    scores: Float[np.ndarray, " mutants"], population: Float[np.ndarray, " others"], name: str
) -> Float[np.ndarray, " mutants"]:
    known = population[~np.isnan(population)]
    if len(known) < 2 or not (spread := known.std(ddof=1)) > 0:
        raise ValueError(
            f"{name} gives all mutants the same score, which has no z-score; leave it out of the ensemble."
        )
    return (scores - known.mean()) / spread
