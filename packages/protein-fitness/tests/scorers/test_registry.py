import numpy as np
import pytest

from protein_fitness.examples import gb1 as whole_gb1
from protein_fitness.mutations import all_singles
from protein_fitness.scorers.registry import SCORERS, SHIPPED, make_scorer
from protein_fitness.scoring.predictor import FitnessPredictor


@pytest.mark.usefixtures("shipped_network")
def test_the_shipped_network_scores_by_its_name_like_its_folder(shipped_network):
    protein = whole_gb1()
    mutants = all_singles(protein.sequence)[::50]

    by_name = make_scorer("s2f", mode="wt")

    assert isinstance(by_name, FitnessPredictor)
    by_folder = FitnessPredictor.from_pretrained(shipped_network, mode="wt")
    assert np.array_equal(by_name.score(protein, mutants), by_folder.score(protein, mutants))
    assert by_name.name == "s2f:wt"


def test_what_ships_is_a_trained_network_of_at_most_12_megabytes():
    protein = whole_gb1()
    shipped = make_scorer("s2f", mode="wt")

    scores = shipped.score(protein, all_singles(protein.sequence))

    assert np.isfinite(scores).all()
    assert shipped.identity == "6f213ba8f0200ee6 on profile@1"  # the weights of the record of train_shipped.py
    assert sum(file.stat().st_size for file in SHIPPED["s2f"].iterdir()) < 12e6


@pytest.mark.usefixtures("shipped_network")
def test_the_shipped_network_joins_an_ensemble():
    protein = whole_gb1()

    scores = make_scorer("s2f+accessibility").score(protein, all_singles(protein.sequence)[:5])

    assert np.isfinite(scores).all()


@pytest.mark.usefixtures("shipped_network")
def test_without_homologues_the_shipped_network_says_what_it_needs(gb1):
    with pytest.raises(ValueError, match="reads an alignment and the protein has none; give one"):
        make_scorer("s2f").score(gb1, all_singles(gb1.sequence)[:1])


def test_an_unknown_name_is_told_with_the_shipped_ones():
    with pytest.raises(ValueError, match="there is no scorer 'esm'; .*, s2f, or give the folder of a"):
        make_scorer("esm")


def test_no_name_is_given_twice():
    assert not SCORERS.keys() & SHIPPED.keys()
