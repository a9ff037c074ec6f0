"""Every single mutant of a protein, as a matrix of sites and amino acids."""

import csv
import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from gpu_commons.write_aside import write_text_aside
from protein_fitness.amino_acids import AMINO_ACIDS, encode
from protein_fitness.mutations.mutation import all_singles
from protein_fitness.protein import Protein
from protein_fitness.scorers.scorer import Scorer


@dataclass(frozen=True, kw_only=True, eq=False)
class SiteMatrix:
    """Scores of all single mutants.

    Attributes:
        sequence: Of the wild type.
        scores: By position (0-based) and amino acid (in the order of ``AMINO_ACIDS``); NaN for the wild type's own
            letter and where the scorer cannot tell.
        scorer: Its name.
    """

    sequence: str
    scores: Float[np.ndarray, "positions 20"]
    scorer: str

    def top(self, count: int = 20) -> list[tuple[str, float]]:
        """The fittest mutants with their scores, best first; ties in the order of the sequence."""
        flat = self.scores.ravel()
        order = np.argsort(-flat, kind="stable")[: min(count, int((~np.isnan(flat)).sum()))]
        return [(self._name(int(place)), float(flat[place])) for place in order]

    def tolerance(self) -> Float[np.ndarray, " positions"]:
        """The mean score of a position's mutants; NaN where no score is known."""
        known = ~np.isnan(self.scores)
        sums, counts = np.where(known, self.scores, 0).sum(1), known.sum(1)
        return np.where(counts > 0, sums / counts.clip(1), np.nan)

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """One line a mutant: ``mutant,position,wild,to,score``; positions from 1, no score where there is none."""
        lines = ["mutant,position,wild,to,score"]
        for place, score in enumerate(self.scores.ravel()):
            position, letter = divmod(place, 20)
            wild, to = self.sequence[position], AMINO_ACIDS[letter]
            if wild not in (to, "X"):
                said = "" if np.isnan(score) else f"{score:.6g}"
                lines.append(f"{wild}{position + 1}{to},{position + 1},{wild},{to},{said}")
        write_text_aside("\n".join(lines) + "\n", Path(path))

    @classmethod
    def from_csv(cls, path: str | os.PathLike[str], *, sequence: str, scorer: str) -> "SiteMatrix":
        """What :meth:`to_csv` wrote."""
        scores = np.full((len(sequence), 20), np.nan)
        with Path(path).open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if row["score"]:
                    scores[int(row["position"]) - 1, AMINO_ACIDS.index(row["to"])] = float(row["score"])
        return cls(sequence=sequence, scores=scores, scorer=scorer)

    def _name(self, place: int) -> str:
        position, letter = divmod(place, 20)
        return f"{self.sequence[position]}{position + 1}{AMINO_ACIDS[letter]}"


def read_scan(path: str | os.PathLike[str]) -> SiteMatrix:
    """A scan that the command line wrote: a CSV, and beside it as .json the sequence and the scorer.

    Raises:
        ValueError: If one of the two is missing, or tells no sequence and scorer.
    """
    file = Path(path)
    beside = file.with_suffix(".json")
    for each in (file, beside):
        if not each.is_file():
            raise ValueError(f"there is no file {each}; give the CSV of `protein-fitness scan`, its .json beside it.")
    told = json.loads(beside.read_text(encoding="utf-8"))
    if missing := [name for name in ("sequence", "scorer") if name not in told]:
        raise ValueError(f"{beside} does not tell the {missing[0]}; make it again by `protein-fitness scan`.")
    return SiteMatrix.from_csv(file, sequence=told["sequence"], scorer=told["scorer"])


def scan(protein: Protein, scorer: Scorer) -> SiteMatrix:
    """Score every single mutant of a protein."""
    mutants = all_singles(protein.sequence)
    scores = np.full((len(protein), 20), np.nan)
    rows = [mutant.substitutions[0].position - 1 for mutant in mutants]
    columns = encode("".join(mutant.substitutions[0].to for mutant in mutants))
    scores[rows, columns] = scorer.score(protein, mutants)
    return SiteMatrix(sequence=protein.sequence, scores=scores, scorer=scorer.name)
