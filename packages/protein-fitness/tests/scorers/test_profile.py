import numpy as np
import pytest

from protein_fitness.amino_acids import AMINO_ACIDS
from protein_fitness.protein import make_protein
from protein_fitness.scorers.profile import BuriedProfile, Profile


def test_the_score_is_the_log_of_the_ratio_of_frequencies():
    profile = np.full((2, 20), 0.5 / 19)
    profile[:, 0] = 0.5

    matrix = Profile().matrix(make_protein("AC", profile=profile))

    assert matrix[0, 0] == 0
    assert matrix[0, 1] == pytest.approx(np.log(1 / 19))
    assert matrix[1, 0] == pytest.approx(np.log(19))


def test_a_frequency_of_zero_is_very_low_and_finite():
    profile = np.eye(20)[[0]]

    matrix = Profile().matrix(make_protein("A", profile=profile))

    assert np.isfinite(matrix).all()
    assert (matrix[0, 1:] < -10).all()


def test_exposed_sites_weigh_less(gb1):
    profile = np.random.default_rng(0).dirichlet(np.ones(20), size=len(gb1))
    protein = make_protein(gb1.sequence, gb1.structure, profile=profile)

    weighed = BuriedProfile().matrix(protein)

    buried = 1 - gb1.structure.accessibility.clip(0, 1)
    assert np.allclose(weighed, Profile().matrix(protein) * buried[:, None])


def test_an_unknown_residue_has_no_score():
    matrix = Profile().matrix(make_protein("AX", profile=np.full((2, 20), 0.05)))

    assert np.isnan(matrix[1]).all()
    assert matrix[0, AMINO_ACIDS.index("Y")] == 0


def test_without_an_alignment_there_is_no_profile():
    with pytest.raises(ValueError, match="profile reads an alignment and the protein has none; give one"):
        Profile().matrix(make_protein("AC"))


def test_a_profile_of_another_length_is_refused():
    with pytest.raises(ValueError, match="`profile` has 3 positions and the sequence 2; give one row a residue"):
        make_protein("AC", profile=np.full((3, 20), 0.05))
