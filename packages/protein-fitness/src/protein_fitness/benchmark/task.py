"""One assay of a benchmark: scored by every scorer, measured, and left as two files."""

import csv
import json
import math
from dataclasses import asdict, dataclass
from io import StringIO
from pathlib import Path

import numpy as np

from gpu_commons.write_aside import write_text_aside
from protein_fitness.assay import CLASS, LABEL, MUTANT, Assay, read_assay, score_rows
from protein_fitness.benchmark.inputs import Folders, protein_of
from protein_fitness.benchmark.reference import ReferenceAssay
from protein_fitness.metrics.five import METRICS, five_metrics
from protein_fitness.scorers.registry import make_scorer

ALL = "all"
DEPTHS = ("1", "2", "3", "4", "5+")
"""Numbers of mutations that are told apart."""


@dataclass(frozen=True, kw_only=True)
class AssayTask:
    """What a worker is given.

    Attributes:
        assay: To score.
        folders: Where its files lie.
        scorers: Names.
        out: The benchmark's folder.
    """

    assay: ReferenceAssay
    folders: Folders
    scorers: tuple[str, ...]
    out: Path


@dataclass(frozen=True, kw_only=True)
class ResultRow:
    """One scorer's metrics on an assay, or on its mutants with so many mutations.

    Attributes:
        scorer: Its name.
        mutations: "all", or one of ``DEPTHS``.
        mutants: In the assay or part.
        scored: Of them, those with a score; metrics are over these.
        metrics: By name; None where there is no value.
        reason: Why the scorer scored nothing, or why metrics have no value; empty if all is there.
    """

    scorer: str
    mutations: str
    mutants: int
    scored: int
    metrics: dict[str, float | None]
    reason: str


@dataclass(frozen=True, kw_only=True)
class AssayResult:
    """What came of an assay.

    Attributes:
        name: Of the assay.
        rows: For each scorer and number of mutations; none if the assay could not be read.
        reason: Why it could not be read; empty if it could.
    """

    name: str
    rows: tuple[ResultRow, ...]
    reason: str

    @property
    def finished(self) -> bool:
        """Whether every scorer scored it; if not, it is tried again, since a file may have come."""
        return not self.reason and all(row.scored for row in self.rows if row.mutations == ALL)


def scores_file(out: Path, name: str) -> Path:
    """Of an assay's mutants with a column for each scorer: what ProteinGym calls merged scores."""
    return out / "scores" / f"{name}.csv"


def result_file(out: Path, name: str) -> Path:
    """Of an assay's metrics."""
    return out / "results" / f"{name}.json"


def read_result(path: Path) -> AssayResult:
    """What :func:`run_task` wrote."""
    told = json.loads(path.read_text(encoding="utf-8"))
    return AssayResult(name=told["name"], rows=tuple(ResultRow(**row) for row in told["rows"]), reason=told["reason"])


def run_task(task: AssayTask) -> AssayResult:
    """Score and measure an assay; the metrics are written last, so that an assay that has them has all."""
    try:
        result = _measured(task)
    except (ValueError, OSError) as error:
        result = AssayResult(name=task.assay.name, rows=(), reason=str(error))
    told = json.dumps(asdict(result), indent=2, allow_nan=False)
    write_text_aside(told + "\n", result_file(task.out, task.assay.name))
    return result


def _measured(task: AssayTask) -> AssayResult:
    table = read_assay(task.folders.data / task.assay.file)
    truth = _truth(table)
    protein, missing = protein_of(task.assay, task.folders)
    scores, rows = {}, []
    for name in task.scorers:
        try:
            scores[name] = score_rows(table, protein, make_scorer(name, surfaces=task.out / "surfaces")).scores
        except ValueError as error:
            rows.append(_failed(name, len(table.rows), " ".join((*missing, str(error)))))
        else:
            rows += _rows(name, truth, scores[name])
    _write_scores(table, scores, scores_file(task.out, task.assay.name))
    return AssayResult(name=task.assay.name, rows=tuple(rows), reason="")


@dataclass(frozen=True, kw_only=True)
class _Truth:
    """What an assay measured, and which rows are whose: all, and by number of mutations."""

    labels: np.ndarray
    classes: np.ndarray | None
    parts: dict[str, np.ndarray]


def _truth(table: Assay) -> _Truth:
    labels = table.labels
    if labels is None:
        raise ValueError(f"{table.name} has no column {LABEL!r}; give ProteinGym's processed table.")
    counts = np.array([row[MUTANT].count(":") + 1 for row in table.rows])
    parts = {ALL: np.ones(len(counts), dtype=bool)}
    for number, depth in enumerate(DEPTHS, start=1):
        part = counts >= number if depth == DEPTHS[-1] else counts == number
        if part.any():
            parts[depth] = part
    return _Truth(labels=labels, classes=table.classes, parts=parts)


def _failed(scorer: str, mutants: int, reason: str) -> ResultRow:
    nothing = dict.fromkeys(METRICS)
    return ResultRow(scorer=scorer, mutations=ALL, mutants=mutants, scored=0, metrics=nothing, reason=reason)


def _rows(scorer: str, truth: _Truth, scores: np.ndarray) -> list[ResultRow]:
    """Of the whole assay first, then of each number of mutations that is there."""
    known = ~np.isnan(scores)
    cut = float(np.median(scores[known])) if known.any() else None
    rows = []
    for name, part in truth.parts.items():
        classes = None if truth.classes is None else truth.classes[part]
        found = five_metrics(scores[part], truth.labels[part], classes, cut=cut)
        rows.append(
            ResultRow(
                scorer=scorer,
                mutations=name,
                mutants=int(part.sum()),
                scored=int(known[part].sum()),
                metrics={each: None if math.isnan(value := found[each].value) else value for each in METRICS},
                reason=" ".join(dict.fromkeys(each.reason for each in found.values() if each.reason)),
            )
        )
    return rows


def _write_scores(table: Assay, scores: dict[str, np.ndarray], path: Path) -> None:
    text = StringIO()
    kept = [name for name in (MUTANT, LABEL, CLASS) if name in table.columns]
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow([*kept, *scores])
    for number, row in enumerate(table.rows):
        values = (each[number] for each in scores.values())
        lines.writerow([*(row[name] for name in kept), *("" if np.isnan(each) else f"{each:.6g}" for each in values)])
    write_text_aside(text.getvalue(), path)
