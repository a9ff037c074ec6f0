"""Tables of mutants, such as ProteinGym's: read, scored row by row in their own order, and written."""

import csv
import os
from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from gpu_commons.write_aside import write_text_aside
from protein_fitness.metrics.spearman import spearman
from protein_fitness.mutations.checking import parse_mutants
from protein_fitness.protein import Protein
from protein_fitness.scorers.scorer import Scorer

MUTANT, LABEL, CLASS = "mutant", "DMS_score", "DMS_score_bin"


@dataclass(frozen=True, kw_only=True)
class Assay:
    """Mutants with what else a table says of them.

    Attributes:
        name: Of the file.
        columns: Names of the table's columns.
        rows: As they are in the table.
    """

    name: str
    columns: tuple[str, ...]
    rows: tuple[dict[str, str], ...]

    @property
    def labels(self) -> Float[np.ndarray, " rows"] | None:
        """What was measured, NaN where nothing was; None without such a column."""
        return self._numbers(LABEL)

    @property
    def classes(self) -> Float[np.ndarray, " rows"] | None:
        """1 for fit mutants and 0 for unfit ones, NaN where it is not known; None without such a column."""
        return self._numbers(CLASS)

    def _numbers(self, column: str) -> np.ndarray | None:
        if column not in self.columns:
            return None
        return np.array([_number(row[column], column, f"{self.name}, line {n}") for n, row in enumerate(self.rows, 2)])


@dataclass(frozen=True, kw_only=True)
class ScoredAssay:
    """An assay with a score, or the reason for none, for each row.

    Attributes:
        assay: As it was read.
        scores: NaN where there is none.
        reasons: Empty where there is a score.
        scorer: Its name.
    """

    assay: Assay
    scores: Float[np.ndarray, " rows"]
    reasons: tuple[str, ...]
    scorer: str

    def summary(self) -> dict[str, Any]:
        """Counts, and with measurements their rank correlation with a 95 % interval."""
        told: dict[str, Any] = {
            "assay": self.assay.name,
            "scorer": self.scorer,
            "mutants": len(self.scores),
            "scored": int((~np.isnan(self.scores)).sum()),
        }
        if (labels := self.assay.labels) is not None:
            found = spearman(self.scores, labels)
            told |= {"spearman": round(found.value, 4), "interval": [round(found.low, 4), round(found.high, 4)]}
        return told


def read_assay(path: str | os.PathLike[str]) -> Assay:
    """Read a CSV file with a column "mutant".

    Raises:
        ValueError: If there is no such file, column or row.
    """
    file = Path(path)
    if not file.is_file():
        raise ValueError(f"there is no file {file}; give a CSV with a column {MUTANT!r}.")
    with file.open(encoding="utf-8-sig", newline="") as opened:
        table = csv.DictReader(opened)
        rows, columns = tuple(table), tuple(table.fieldnames or ())
    if MUTANT not in columns:
        raise ValueError(f"{file.name} has the columns {', '.join(columns) or '(none)'}; one must be {MUTANT!r}.")
    if not rows:
        raise ValueError(f"{file.name} has no row below its head; give it mutants.")
    return Assay(name=file.name, columns=columns, rows=rows)


def score_rows(
    assay: Assay, protein: Protein, scorer: Scorer, *, offset: int = 0, on_error: str = "raise"
) -> ScoredAssay:
    """Score an assay's mutants; equal rows are scored once.

    Args:
        assay: With mutants.
        protein: Their wild type.
        scorer: That ranks them.
        offset: Less than the assay's positions by this are the protein's.
        on_error: "raise", or "nan" for a reason in place of a score.

    Raises:
        ValueError: If a mutant is not one of the protein's and `on_error` is "raise".
    """
    texts = [row[MUTANT] for row in assay.rows]
    parsed = parse_mutants(texts, protein.sequence, offset=offset, on_error=on_error)
    distinct = {mutant: None for mutant in parsed.mutants if mutant is not None}
    scores = dict(zip(distinct, scorer.score(protein, list(distinct)), strict=True))
    found = np.array([np.nan if mutant is None else scores[mutant] for mutant in parsed.mutants], dtype=float)
    return ScoredAssay(
        assay=assay, scores=found, reasons=tuple(_reasons(found, parsed.reasons, scorer.name)), scorer=scorer.name
    )


def write_scored(scored: ScoredAssay, path: str | os.PathLike[str]) -> None:
    """The assay's own rows and columns, with "score" and "reason"."""
    text = StringIO()
    columns = [*(name for name in scored.assay.columns if name not in ("score", "reason")), "score", "reason"]
    table = csv.DictWriter(text, columns, extrasaction="ignore", lineterminator="\n")
    table.writeheader()
    for row, score, reason in zip(scored.assay.rows, scored.scores, scored.reasons, strict=True):
        table.writerow({**row, "score": "" if np.isnan(score) else f"{score:.6g}", "reason": reason})
    write_text_aside(text.getvalue(), Path(path))


def _reasons(scores: np.ndarray, reasons: Sequence[str | None], scorer: str) -> list[str]:
    absent = f"{scorer} has no score there"
    return [reason or (absent if np.isnan(score) else "") for score, reason in zip(scores, reasons, strict=True)]


def _number(text: str, column: str, place: str) -> float:
    if text.strip().casefold() in ("", "nan", "na"):
        return float("nan")
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{place}: {column} is {text!r}; it must be a number, or empty.") from None
