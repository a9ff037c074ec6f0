"""The tables of a benchmark: each metric by assay, and averages by model with what is missing."""

import csv
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from gpu_commons.write_aside import write_text_aside
from protein_fitness.benchmark.aggregate import averages, cell_average, standard_errors
from protein_fitness.benchmark.levels import DIGITS, AssayLevel, write_levels
from protein_fitness.benchmark.reference import ReferenceAssay
from protein_fitness.benchmark.task import ALL, DEPTHS, AssayResult, read_result, result_file
from protein_fitness.metrics.five import METRICS


@dataclass(frozen=True, kw_only=True)
class Summary:
    """Averages of a benchmark, finished or not.

    Attributes:
        rows: One a metric and model, the best first: average, standard error of the difference to the best, the
            breakdowns in ProteinGym's names, how many assays have a value of how many, and the share of their mutants
            that have a score; None where there is no value.
        missing: Why an assay has no value, by assay and model.
        assays: In the reference file.
    """

    rows: tuple[dict[str, Any], ...]
    missing: dict[tuple[str, str], str]
    assays: int

    def told(self) -> str:
        """What is missing, a sentence."""
        if not self.missing:
            return f"All {self.assays} assays were scored by every model."
        names = list(dict.fromkeys(name for name, _ in self.missing))
        shown = ", ".join(names[:5]) + (" and others" if len(names) > 5 else "")
        return (
            f"{len(names)} of {self.assays} assays lack a value of some model, so that averages are not the "
            f"leaderboard's: {shown}; missing.csv says why."
        )


def summarise(out: Path, assays: Sequence[ReferenceAssay], models: Sequence[str]) -> Summary:
    """Write a table a metric, ``summary.csv`` and ``missing.csv``.

    Args:
        out: The benchmark's folder.
        assays: All of the reference file.
        models: Names of the scorers.
    """
    found = {assay.name: read_result(file) for assay in assays if (file := result_file(out, assay.name)).is_file()}
    shares = {model: _share(found.values(), model) for model in models}
    rows: list[dict[str, Any]] = []
    for metric in METRICS:
        levels = _levels(assays, found, models, metric, ALL)
        write_levels(levels, out / f"{metric}.csv")
        by_depth = {depth: _levels(assays, found, models, metric, depth) for depth in DEPTHS}
        rows += [row | {"scored": shares[row["model"]]} for row in _rows(metric, levels, by_depth, models)]
    summary = Summary(rows=tuple(rows), missing=_missing(assays, found, models), assays=len(assays))
    _write_table(list(rows[0]), [list(row.values()) for row in rows], out / "summary.csv")
    said = [[*key, reason] for key, reason in summary.missing.items()]
    _write_table(["assay", "model", "reason"], said, out / "missing.csv")
    return summary


def _levels(
    assays: Sequence[ReferenceAssay],
    found: dict[str, AssayResult],
    models: Sequence[str],
    metric: str,
    mutations: str,
) -> list[AssayLevel]:
    levels = []
    for assay in assays:
        rows = [] if assay.name not in found else [r for r in found[assay.name].rows if r.mutations == mutations]
        known = {row.scorer: row.metrics[metric] for row in rows}
        levels.append(
            AssayLevel(
                name=assay.name,
                protein=assay.protein,
                selection=assay.selection,
                msa_depth=assay.msa_depth,
                taxon=assay.taxon,
                mutants=rows[0].mutants if rows else assay.mutants,
                values={model: _rounded(known.get(model)) for model in models},
            )
        )
    return levels


def _share(results: Iterable[AssayResult], model: str) -> float | None:
    """Of the mutants of all assays that were read, those with a score."""
    rows = [row for result in results for row in result.rows if (row.scorer, row.mutations) == (model, ALL)]
    mutants = sum(row.mutants for row in rows)
    return round(sum(row.scored for row in rows) / mutants, DIGITS) if mutants else None


def _rounded(value: float | None) -> float:
    return math.nan if value is None else round(value, DIGITS)


def _rows(
    metric: str, levels: list[AssayLevel], by_depth: dict[str, list[AssayLevel]], models: Sequence[str]
) -> list[dict[str, Any]]:
    errors = standard_errors(levels, models)
    groups = [sorted({getattr(level, name) for level in levels} - {""}) for name in ("selection", "msa_depth", "taxon")]
    rows = []
    for model in models:
        own = averages(levels, model)
        row = {"metric": metric, "model": model, "average": own.average, "standard_error": errors[model]}
        parts = ((own.selection, "Function_{}"), (own.msa_depth, "{}_MSA_depth"), (own.taxon, "Taxa_{}"))
        for names, (values, title) in zip(groups, parts, strict=True):
            row |= {title.format(name): values.get(name, math.nan) for name in names}
        row |= {f"Depth_{depth}": cell_average(found, model) for depth, found in by_depth.items()}
        said = {name: _said(value) if isinstance(value, float) else value for name, value in row.items()}
        rows.append(said | {"assays": own.assays, "of": len(levels)})
    return sorted(rows, key=lambda row: -math.inf if row["average"] is None else row["average"], reverse=True)


def _said(value: float) -> float | None:
    return None if math.isnan(value) else round(value, DIGITS)


def _missing(
    assays: Sequence[ReferenceAssay], found: dict[str, AssayResult], models: Sequence[str]
) -> dict[tuple[str, str], str]:
    missing = {}
    for assay in assays:
        result = found.get(assay.name)
        whole = {} if result is None else {row.scorer: row for row in result.rows if row.mutations == ALL}
        for model in models:
            if result is None:
                missing[assay.name, model] = "It has not been scored yet."
            elif model not in whole:
                missing[assay.name, model] = result.reason
            elif whole[model].reason:
                missing[assay.name, model] = whole[model].reason
    return missing


def _write_table(header: Sequence[str], rows: Sequence[Sequence[Any]], path: Path) -> None:
    text = StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(header)
    table.writerows(rows)
    write_text_aside(text.getvalue(), path)
