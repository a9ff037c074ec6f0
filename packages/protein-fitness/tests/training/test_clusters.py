import numpy as np
import pytest

from protein_fitness.training.clusters import cluster, relatives

FAMILIES = 30


@pytest.fixture(scope="module")
def planted(random_sequence, relative):
    """``planted(identity)``: share of 30 parents of 100 to 250 residues that are with their copy, and all clusters."""

    def found(identity):
        draws = np.random.default_rng(int(100 * identity))
        parents = [random_sequence(draws, int(draws.integers(100, 250))) for _ in range(FAMILIES)]
        labels = cluster(parents + [relative(draws, parent, identity) for parent in parents])
        return (labels[:FAMILIES] == labels[FAMILIES:]).mean(), labels

    return found


@pytest.mark.parametrize("identity", [0.8, 0.5])
def test_near_relatives_are_together_and_others_apart(planted, identity):
    together, labels = planted(identity)

    assert together == 1
    assert len(set(labels.tolist())) == FAMILIES


def test_at_35_percent_most_are_still_found(planted):
    together, labels = planted(0.35)

    assert 0.6 <= together < 1
    assert len(set(labels[:FAMILIES].tolist())) == FAMILIES


def test_a_gap_keeps_relatives_together(random_sequence, relative):
    draws = np.random.default_rng(1)
    parent = random_sequence(draws, 150)
    copy = relative(draws, parent, 0.6)

    assert cluster([parent, copy[:70] + copy[85:], random_sequence(draws, 150)]).tolist() == [0, 0, 1]


def test_relatives_of_relatives_are_together(random_sequence):
    draws = np.random.default_rng(2)
    left, right = random_sequence(draws, 80), random_sequence(draws, 80)

    assert cluster([left, random_sequence(draws, 90), right, left + right]).tolist() == [0, 1, 0, 0]


def test_clusters_are_numbered_as_they_appear(random_sequence):
    draws = np.random.default_rng(3)
    first, second = random_sequence(draws, 60), random_sequence(draws, 60)

    assert cluster([first, second, second, first]).tolist() == [0, 1, 1, 0]
    assert cluster([]).tolist() == []


def test_relatives_of_one_sequence_are_found(random_sequence, relative):
    draws = np.random.default_rng(4)
    sequence = random_sequence(draws, 120)
    others = [random_sequence(draws, 120), relative(draws, sequence, 0.5), sequence[20:90], random_sequence(draws, 90)]

    assert relatives(sequence, others).tolist() == [False, True, True, False]
    assert relatives(sequence, []).tolist() == []
