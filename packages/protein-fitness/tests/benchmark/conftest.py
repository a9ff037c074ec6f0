"""A small ProteinGym: two assays of protein G's domain B1 and one of a protein whose files are missing."""

import csv
import shutil

import numpy as np
import pytest

from protein_fitness.amino_acids import AMINO_ACIDS
from protein_fitness.benchmark.reference import COLUMNS


def write_csv(path, header, rows):
    with path.open("w", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(header)
        table.writerows(rows)


@pytest.fixture
def gym(gb1, gb1_file, tmp_path):
    """Its folder: reference.csv, data, structures and alignments."""
    for name in ("data", "structures", "alignments"):
        (tmp_path / name).mkdir()
    shutil.copy(gb1_file, tmp_path / "structures" / "gb1.pdb")
    write_csv(tmp_path / "reference.csv", COLUMNS, list(reference_rows(gb1.sequence)))
    draws = np.random.default_rng(0)
    accessible = gb1.structure.accessibility
    for name in ("GB1_stable", "GB1_binding"):
        rows = [
            mutant_row(mutant, sum(accessible[int(part[1:-1]) - 1] for part in mutant.split(":")), draws)
            for mutant in mutants(gb1.sequence)
        ]
        write_csv(tmp_path / "data" / f"{name}.csv", ("mutant", "DMS_score", "DMS_score_bin"), rows)
    relatives = "\n".join(f">r{n}\n{changed(gb1.sequence[9:50], draws)}" for n in range(20))
    (tmp_path / "alignments" / "gb1.a2m").write_text(f">wild\n{gb1.sequence[9:50]}\n{relatives}\n")
    return tmp_path


def reference_rows(sequence):
    about = ("gb1.pdb", "gb1.a2m", "10", "50", "0.2")
    yield ("GB1_stable", "GB1_stable.csv", "SPG1", sequence, "40", "Stability", "Prokaryote", "medium", *about)
    yield ("GB1_binding", "GB1_binding.csv", "SPG1", sequence, "40", "Binding", "Prokaryote", "medium", *about)
    yield ("LOST", "LOST.csv", "LOST", sequence[:30], "7", "Activity", "Human", "Low", "lost.pdb", "", "", "", "")


def mutants(sequence):
    singles = [f"{sequence[place]}{place + 1}{'A' if sequence[place] != 'A' else 'G'}" for place in range(12, 42)]
    return [*singles, *(f"{one}:{other}" for one, other in zip(singles[:10], singles[10:20], strict=True))]


def mutant_row(mutant, accessible, draws):
    label = accessible + 0.2 * draws.normal()
    return mutant, f"{label:.4f}", int(label > 0.5)


def changed(sequence, draws):
    return "".join(AMINO_ACIDS[draws.integers(20)] if draws.random() < 0.3 else letter for letter in sequence)
