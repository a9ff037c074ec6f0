import numpy as np
import pytest

from protein_fitness.protein import make_protein
from protein_fitness.report.profile import site_profile


def test_tolerance_stands_beside_burial(matrix, gb1):
    tolerance, burial = site_profile(matrix, gb1).data

    assert tolerance.y == pytest.approx(matrix.tolerance())
    assert list(tolerance.x) == list(range(1, 57))
    assert tolerance.customdata[15] == f"{gb1.sequence[15]}16"
    assert burial.y == pytest.approx(1 - np.minimum(gb1.structure.accessibility, 1))
    assert (tolerance.yaxis, burial.yaxis) == (None, "y2")


def test_without_a_structure_there_is_no_burial(matrix, gb1):
    (only,) = site_profile(matrix, make_protein(gb1.sequence)).data

    assert only.name == "tolerance"
