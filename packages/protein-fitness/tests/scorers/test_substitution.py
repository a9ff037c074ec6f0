import numpy as np
import pytest

from protein_fitness.amino_acids import AMINO_ACIDS
from protein_fitness.protein import make_protein
from protein_fitness.scorers.substitution import Blosum62, Hydrophobicity, blosum62


def test_blosum62_is_symmetric_and_each_letter_is_likest_itself():
    table = blosum62()

    assert np.array_equal(table, table.T)
    assert (table.diagonal()[:, None] > table - 99 * np.eye(20)).all()
    assert table[AMINO_ACIDS.index("W"), AMINO_ACIDS.index("W")] == 11
    assert table[AMINO_ACIDS.index("I"), AMINO_ACIDS.index("V")] == 3


def test_a_row_is_that_of_the_wild_types_letter():
    matrix = Blosum62().matrix(make_protein("WAX"))

    assert matrix[0].tolist() == blosum62()[AMINO_ACIDS.index("W")].tolist()
    assert np.isnan(matrix[2]).all()


def test_a_change_of_hydropathy_counts_in_either_direction():
    matrix = Hydrophobicity().matrix(make_protein("IR"))

    to_charge, from_charge = matrix[0, AMINO_ACIDS.index("R")], matrix[1, AMINO_ACIDS.index("I")]
    assert to_charge == from_charge == pytest.approx(-9.0)
    assert matrix[0, AMINO_ACIDS.index("I")] == 0
