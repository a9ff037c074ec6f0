"""The main job end to end: every single mutant of protein G's domain B1, ranked in several ways and beside real
measurements.

Structure, homologues and network ship with the package. The stability of 813 mutants (Nisthal et al. 2019) comes with
mavenn's wheel; no scorer reads it.
"""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from gpu_commons.demo_result import DemoResult
from gpu_commons.page import Section, table_fragment
from gpu_commons.table_text import interval_text
from gpu_commons.write_aside import write_text_aside
from protein_fitness.amino_acids import AMINO_ACIDS
from protein_fitness.examples import gb1, gb1_stability
from protein_fitness.metrics.spearman import Spearman, spearman
from protein_fitness.mutations.mutation import Mutant
from protein_fitness.protein import Protein
from protein_fitness.provenance import write_beside
from protein_fitness.report.page import write_report
from protein_fitness.report.picture import write_png
from protein_fitness.scorers.registry import make_scorer, usual_scorer
from protein_fitness.site_matrix import SiteMatrix, scan

WITHOUT_HOMOLOGUES = "blosum62+accessibility+contact_number"
_TITLE = "Every single mutant of protein G's domain B1"
_CAUTION = (
    "with 95 % intervals over mutants. No scorer read a measurement, but which members the ensembles have was chosen on "
    "TEM-1 and on this protein's double mutants. What accessibility, contact number and homologues' frequencies do alone "
    "is what all else is to be compared with. One small protein tells nothing certain of others."
)


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What is compared with, if it is there.

    Attributes:
        mutants: Single ones; none if it is not there.
        labels: Higher is more stable.
        missing: What it would take to have it, a sentence; empty if it is there.
    """

    mutants: Sequence[Mutant]
    labels: Float[np.ndarray, " mutants"]
    missing: str


def run_demo(out: str | Path) -> str:
    """Scan, compare, write everything into ``out``, and return a table for the terminal.

    Without mavenn's wheel nothing is compared, which is said.

    Raises:
        ValueError: If what the package ships is not whole.
    """
    folder, started = Path(out), time.monotonic()
    protein = gb1()
    usual = usual_scorer(protein).name
    scans = _scans(protein, folder, _readings(usual))
    measured = _measured(protein)
    ranks = {} if measured.missing else {name: _rank(matrix, measured) for name, matrix in scans.items()}
    rows = [[name, reads, _said(ranks.get(name))] for name, reads in _readings(usual).items()]
    head = ["scorer", "reads", "Spearman"]
    about = _about(measured)
    section = Section("Beside measurements", f"{about} The pictures are of {usual}.", table_fragment(head, rows))
    page = write_report(scans[usual], protein, folder / "index.html", title=_TITLE, before=[section])
    further = _picture(scans[usual], folder / "heat_map.png")
    _summarise(folder / "summary.json", protein, scans, ranks, measured)
    result = DemoResult(
        title=_TITLE,
        header=head,
        rows=rows,
        notes=[about],
        seconds=time.monotonic() - started,
    )
    figures = f"scans of {len(scans)} scorers: {folder}; figures: {folder / 'summary.json'}"
    return result.leave_beside(page, *further, figures)


def _readings(usual: str) -> dict[str, str]:
    """What each scorer reads beside the sequence."""
    return {
        "accessibility": "structure",
        "contact_number": "structure",
        "profile": "homologues",
        WITHOUT_HOMOLOGUES: "structure",
        usual: "structure, homologues",
        "s2f": "structure, homologues",
        f"{usual}+s2f": "structure, homologues",
    }


def _scans(protein: Protein, folder: Path, names: Mapping[str, str]) -> dict[str, SiteMatrix]:
    scans = {}
    for name in names:
        scorer = make_scorer(name)
        scans[name] = scan(protein, scorer)
        scans[name].to_csv(folder / f"{name}.csv")
        write_beside(folder / f"{name}.csv", protein, scorer)
    return scans


def _measured(protein: Protein) -> Measured:
    try:
        mutants, labels = gb1_stability(protein)
    except ImportError as error:
        return Measured(mutants=(), labels=np.empty(0), missing=f"Nothing is compared with measurements ({error}).")
    return Measured(mutants=mutants, labels=labels, missing="")


def _rank(matrix: SiteMatrix, measured: Measured) -> Spearman:
    sites = [one for mutant in measured.mutants for one in mutant.substitutions]
    scores = np.array([matrix.scores[one.position - 1, AMINO_ACIDS.index(one.to)] for one in sites])
    return spearman(scores, measured.labels)


def _said(rank: Spearman | None) -> str:
    return interval_text(None if rank is None else (rank.value, rank.low, rank.high), 3)


def _about(measured: Measured) -> str:
    what = f"Spearman's correlation with the stability of {len(measured.mutants)} single mutants (Nisthal et al. 2019),"
    return measured.missing or f"{what} {_CAUTION}"


def _picture(matrix: SiteMatrix, path: Path) -> list[str]:
    """The heat map, or why there is none."""
    try:
        write_png(matrix, path)
    except ImportError as error:
        return [f"No {path.name} is written: {error}"]
    return []


def _summarise(
    path: Path,
    protein: Protein,
    scans: Mapping[str, SiteMatrix],
    ranks: Mapping[str, Spearman],
    measured: Measured,
) -> None:
    told = {
        "sequence": protein.sequence,
        "measured": len(measured.mutants),
        "missing": measured.missing,
        "scorers": [
            {"scorer": name, "scan": f"{name}.csv", "spearman": asdict(ranks[name]) if name in ranks else None}
            for name in scans
        ],
    }
    write_text_aside(json.dumps(told, indent=2) + "\n", path)
