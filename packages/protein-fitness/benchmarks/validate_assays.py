"""Scorers and their ensembles on real assays: TEM-1, and protein G's domain B1.

No label is used for scoring. Which members the usual ensemble has was chosen on TEM-1 and on the double mutants of GB1,
so that their figures are not those of unseen proteins; the single mutants of GB1 were not looked at for it. The shipped
network was trained without relatives of either protein; what ProteinMPNN has seen is not known here.

TEM-1 needs ``--data``, the folder of proteins/BLAT_ECOLX_Ranganathan2015.csv (Stiffler et al. 2015), and
``--database``, the unpacked promod3-data of Debian, for its structure 1M40 and its homologues. GB1 comes with the wheel
of mavenn (double mutants of Olson et al. 2014, single ones of Nisthal et al. 2019) and 1PGA with this package.
"""

import argparse
import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gpu_commons import Figure, write_record
from protein_fitness.examples import gb1, gb1_stability, mavenn_assay
from protein_fitness.metrics.spearman import Spearman, spearman
from protein_fitness.mutations import Mutant, parse_mutants
from protein_fitness.protein import Protein, make_protein
from protein_fitness.scorers.registry import make_scorer
from protein_fitness.structures import StructureDatabase

RESULTS = Path(__file__).parent / "results"
OLSON_WILD = "MQYKLILNGKTLKGETTTEAVDAATAEKVFKQYANDNGVDGEWTYDDATKTFTVTE"
USUAL = "blosum62+accessibility+contact_number"
WITH_HOMOLOGUES = f"{USUAL}+buried_profile"
LEARNED = ("protein_mpnn", "protein_mpnn_backbone", "s2f")
SCORERS = (
    *("blosum62", "hydrophobicity", "accessibility", "contact_number", "profile", "buried_profile"),
    *(USUAL, WITH_HOMOLOGUES),
    *LEARNED,
    *(f"{WITH_HOMOLOGUES}+{name}" for name in LEARNED),
)
DOSE = "2500"
"""Ampicillin, in µg/mL."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Mutants of a protein and what was measured of each.

    Attributes:
        name: Of the assay.
        protein: Its wild type.
        mutants: Of it.
        labels: Higher is fitter.
        resamples: Of the bootstrap.
        target: For the best scorer.
        alone: The best of what reads one number of the structure, as the baseline.
    """

    name: str
    protein: Protein
    mutants: Sequence[Mutant]
    labels: np.ndarray
    resamples: int
    target: float | None
    alone: str


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--data", type=Path, help="folder with proteins/; TEM-1 needs it")
    parser.add_argument("--database", type=Path, help="folder of promod3-data; TEM-1 needs it")
    parser.add_argument("--rows", type=int, help="at most so many mutants of an assay, spread over it, for a trial")
    parser.add_argument("--results", type=Path, default=RESULTS)
    run, _ = parser.parse_known_args()
    if (run.data is None) != (run.database is None):
        parser.error("TEM-1 needs both --data and --database")
    assays = [gb1_doubles(), gb1_singles(), *([] if run.data is None else [tem1(run.data, run.database)])]
    figures = [figure for assay in assays for figure in figures_of(assay, run.rows)]
    for figure in figures:
        print(f"{figure.id}: {figure.value:.3f} {figure.interval or ''} (target {figure.target})")
    path = write_record(
        "validate_assays",
        results_dir=run.results,
        command="python benchmarks/validate_assays.py" + (" --data DATA --database DATABASE" if run.data else ""),
        config={
            "interval": "95 %, mutants drawn with replacement",
            "resamples": {assay.name: assay.resamples for assay in assays},
            "mutants": {assay.name: len(assay.mutants) for assay in assays},
            "structures": {assay.name: assay.protein.structure.name for assay in assays if assay.protein.structure},
            "reference of z-scores": "all single mutants",
        },
        seeds=[0],
        figures=figures,
        shortened=run.rows is not None or run.data is None,
    )
    print(path.name)


def figures_of(assay: Measured, rows: int | None) -> Iterator[Figure]:
    """Spearman's correlation of each scorer, and what learned ones and the best gain over the best single number of the
    structure.
    """
    every = max(1, len(assay.mutants) // rows) if rows else 1  # the first rows have all the same sites
    mutants, labels = assay.mutants[::every][:rows], assay.labels[::every][:rows]
    scores = {name: make_scorer(name).score(assay.protein, mutants) for name in SCORERS}
    found = {name: spearman(each, labels, resamples=assay.resamples) for name, each in scores.items()}
    best = max(found, key=lambda name: found[name].value)
    for name, each in found.items():
        yield Figure(
            id=f"{assay.name}: {name}",
            value=each.value,
            interval=(each.low, each.high),
            baseline=None if name == assay.alone else found[assay.alone].value,
            unit="Spearman",
            better="higher",
            target=assay.target if name == best else None,
        )
    for what, name in (*((name, name) for name in LEARNED), ("the best of these", best)):
        yield Figure(
            id=f"{assay.name}: {what} less {assay.alone}",
            value=found[name].value - found[assay.alone].value,
            interval=difference(scores[name], scores[assay.alone], labels, assay.resamples),
            unit="Spearman",
            better="higher",
        )


def difference(one: np.ndarray, other: np.ndarray, labels: np.ndarray, resamples: int) -> tuple[float, float]:
    """95 % interval of a difference of correlations, of the same mutants drawn."""
    draws = np.random.default_rng(1)
    found = []
    for _ in range(resamples):
        rows = draws.integers(len(labels), size=len(labels))
        pair: list[Spearman] = [spearman(scores[rows], labels[rows], resamples=1) for scores in (one, other)]
        found.append(pair[0].value - pair[1].value)
    low, high = np.quantile(found, [0.025, 0.975])
    return float(low), float(high)


# The assays


def gb1_doubles() -> Measured:
    """Double mutants of a 56-mer that is 1PGA's with T2Q."""
    protein = gb1(OLSON_WILD)
    mutants, labels = mavenn_assay("gb1_data", protein)
    return Measured(
        name="GB1, double mutants",
        protein=protein,
        mutants=mutants,
        labels=labels,
        resamples=100,
        target=0.46,
        alone="contact_number",
    )


def gb1_singles() -> Measured:
    """Single mutants' stability."""
    protein = gb1()
    mutants, labels = gb1_stability(protein)
    return Measured(
        name="GB1, single mutants' stability",
        protein=protein,
        mutants=mutants,
        labels=labels,
        resamples=1000,
        target=None,
        alone="accessibility",
    )


def tem1(data: Path, database: Path) -> Measured:
    """Single mutants of TEM-1 at the highest dose; 1M40 has 19 rows' wild type otherwise (M182T, position 180)."""
    with (data / "proteins" / "BLAT_ECOLX_Ranganathan2015.csv").open(encoding="utf-8-sig") as file:
        rows = [row for row in csv.DictReader(file) if row[DOSE] not in ("", "NA")]
    chains = StructureDatabase(database)
    number = chains.find("1M40", "A")
    structure = chains.structure(number)
    wild = {int(row["mutant"][1:-1]): row["mutant"][0] for row in rows}
    first = min(wild)
    sequence = "".join(wild.get(first + place, letter) for place, letter in enumerate(structure.sequence))
    protein = make_protein(sequence, structure, profile=chains.profile(number))
    return Measured(
        name="TEM-1",
        protein=protein,
        mutants=parsed([row["mutant"] for row in rows], protein, offset=first - 1),
        labels=np.array([float(row[DOSE]) for row in rows]),
        resamples=1000,
        target=0.60,
        alone="accessibility",
    )


def parsed(texts: Sequence[str], protein: Protein, offset: int = 0) -> list[Mutant]:
    """All of them, or an error."""
    mutants = parse_mutants(texts, protein.sequence, offset=offset).mutants
    return [mutant for mutant in mutants if mutant is not None]  # a bad one is an error


if __name__ == "__main__":
    main()
