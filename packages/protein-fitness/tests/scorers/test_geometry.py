import numpy as np
import pytest

from protein_fitness.mutations import parse_mutants
from protein_fitness.protein import make_protein
from protein_fitness.scorers.geometry import Accessibility, ContactNumber, contact_numbers


def test_contacts_are_the_other_residues_within_ten_angstrom(gb1):
    places = gb1.structure.backbone[:, 1]
    distances = np.linalg.norm(places[:, None] - places[None], axis=-1)

    assert contact_numbers(gb1.structure).tolist() == ((distances <= 10).sum(1) - 1).tolist()


@pytest.mark.parametrize("scorer", [Accessibility(), ContactNumber()])
def test_a_mutant_is_the_sum_of_its_sites_whatever_they_become(gb1, scorer):
    mutants = parse_mutants(["L5A", "L5W", "T53A", "L5A:T53A"], gb1.sequence).mutants

    one, other, second, both = scorer.score(gb1, mutants)

    assert one == other
    assert both == pytest.approx(one + second)


def test_buried_sites_score_lower_than_exposed_ones(gb1):
    leucine, threonine = 4, 48  # in the core, and in the loop between the last strands

    for scorer in (Accessibility(), ContactNumber()):
        matrix = scorer.matrix(gb1)
        assert matrix[leucine, 0] < matrix[threonine, 0]


def test_a_position_that_the_structure_lacks_has_no_score(gb1):
    longer = make_protein("MKV" + gb1.sequence, gb1.structure)

    matrix = Accessibility().matrix(longer)

    assert np.isnan(matrix[:3]).all()
    assert np.array_equal(matrix[3:, 0], gb1.structure.accessibility)


def test_without_a_structure_there_is_no_burial():
    with pytest.raises(ValueError, match="accessibility reads a structure and the protein has none; give one"):
        Accessibility().matrix(make_protein("ACDEF"))
