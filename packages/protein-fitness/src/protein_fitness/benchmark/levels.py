"""A metric of models by assay, in the layout of ProteinGym's tables "DMS_level"."""

import csv
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from gpu_commons.write_aside import write_text_aside

DIGITS = 3
"""Values are rounded to as many before anything is averaged, or averages differ from the official ones in the last."""
_ABOUT = ("Number of Mutants", "Selection Type", "UniProt ID", "MSA_Neff_L_category", "Taxon")


@dataclass(frozen=True, kw_only=True)
class AssayLevel:
    """One assay's values.

    Attributes:
        name: Of the assay.
        protein: UniProt's name for it.
        selection: What was measured.
        msa_depth: "Low", "Medium" or "High"; empty if not known.
        taxon: Of the protein.
        mutants: In the assay.
        values: By model, rounded; NaN where there is none.
    """

    name: str
    protein: str
    selection: str
    msa_depth: str
    taxon: str
    mutants: int
    values: dict[str, float]


def read_levels(path: str | os.PathLike[str]) -> tuple[AssayLevel, ...]:
    """Read such a table, ProteinGym's or one of :func:`write_levels`.

    Raises:
        ValueError: If it is laid out otherwise.
    """
    file = Path(path)
    with file.open(encoding="utf-8-sig", newline="") as opened:
        table = csv.DictReader(opened)
        rows, columns = list(table), list(table.fieldnames or ())
    if missing := [name for name in ("DMS ID", *_ABOUT) if name not in columns]:
        raise ValueError(
            f"{file.name} has no column {', '.join(missing)}; give a table as ProteinGym's, one row an assay."
        )
    models = [name for name in columns if name not in ("DMS ID", *_ABOUT)]
    return tuple(_level(row, models) for row in rows)


def write_levels(levels: Sequence[AssayLevel], path: str | os.PathLike[str]) -> None:
    """One row an assay, one column a model; empty where there is no value."""
    models = list(dict.fromkeys(model for level in levels for model in level.values))
    text = StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["DMS ID", *models, *_ABOUT])
    for level in levels:
        said = [_said(level.values.get(model, math.nan)) for model in models]
        table.writerow([level.name, *said, level.mutants, level.selection, level.protein, level.msa_depth, level.taxon])
    write_text_aside(text.getvalue(), path)


def _level(row: dict[str, str], models: Sequence[str]) -> AssayLevel:
    return AssayLevel(
        name=row["DMS ID"],
        protein=row["UniProt ID"],
        selection=row["Selection Type"],
        msa_depth=row["MSA_Neff_L_category"],
        taxon=row["Taxon"],
        mutants=int(row["Number of Mutants"]),
        values={model: round(float(row[model]), DIGITS) if row[model] else math.nan for model in models},
    )


def _said(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.{DIGITS}f}"
