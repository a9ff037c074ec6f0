import numpy as np
import pytest

from protein_fitness.amino_acids import AMINO_ACIDS
from protein_fitness.protein import make_protein
from protein_fitness.scorers.registry import usual_scorer
from protein_fitness.scorers.substitution import Blosum62, blosum62
from protein_fitness.site_matrix import SiteMatrix, scan


def test_every_mutant_has_the_scorers_number_and_the_wild_type_none():
    matrix = scan(make_protein("WXA"), Blosum62())

    wild = AMINO_ACIDS.index("W")
    assert np.isnan(matrix.scores[0, wild])
    assert np.array_equal(np.delete(matrix.scores[0], wild), np.delete(blosum62()[wild], wild))
    assert np.isnan(matrix.scores[1]).all()


def test_the_best_come_first():
    matrix = scan(make_protein("IA"), Blosum62())

    best = matrix.top(3)

    assert best[0] == ("I1V", 3.0)
    assert [score for _, score in best] == sorted((score for _, score in best), reverse=True)
    assert len(matrix.top(1000)) == 38


def test_a_file_gives_the_matrix_back(gb1, tmp_path):
    matrix = scan(gb1, usual_scorer(gb1))

    matrix.to_csv(tmp_path / "scan.csv")
    again = SiteMatrix.from_csv(tmp_path / "scan.csv", sequence=gb1.sequence, scorer=matrix.scorer)

    assert np.allclose(again.scores, matrix.scores, rtol=1e-5, equal_nan=True)
    assert len((tmp_path / "scan.csv").read_text().splitlines()) == 1 + 19 * len(gb1)


def test_tolerance_is_the_mean_of_a_positions_mutants():
    scores = np.full((2, 20), np.nan)
    scores[0, [1, 2]] = 1.0, 3.0

    found = SiteMatrix(sequence="AC", scores=scores, scorer="x").tolerance()

    assert found[0] == pytest.approx(2)
    assert np.isnan(found[1])
