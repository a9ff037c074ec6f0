import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protein_fitness.training.masking import draws_of, evaluation_masking, selected_positions, training_masking

DIGEST = "0123456789abcdef" * 4


@given(st.integers(1, 400), st.integers(0, 2**32 - 1))
def test_so_many_residues_are_selected_each_once(length, seed):
    letters = np.random.default_rng(seed).integers(20, size=length)

    chosen = selected_positions(letters, np.random.default_rng(seed))

    assert len(set(chosen.tolist())) == len(chosen) == max(1, length * 15 // 100)
    assert training_masking(letters, np.random.default_rng(seed)).selected.sum() == len(chosen)


@given(st.lists(st.integers(-1, 19), min_size=1, max_size=60).filter(lambda letters: max(letters) >= 0))
def test_residues_of_unknown_type_are_never_asked_for(letters):
    letters = np.array(letters)

    assert (letters[training_masking(letters, np.random.default_rng(0)).selected] >= 0).all()
    assert (letters[evaluation_masking(letters, np.random.default_rng(0)).selected] >= 0).all()


def test_shares_are_the_papers():
    letters = np.full(200_000, 3)

    masking = training_masking(letters, np.random.default_rng(0))

    changed = masking.letters != letters
    assert not (masking.hidden & ~masking.selected).any()
    assert not (changed & ~masking.selected).any()
    assert not (changed & masking.hidden).any()
    # Standard errors are below 0.0025; of random letters a twentieth is the residue's own.
    assert masking.hidden.sum() / masking.selected.sum() == pytest.approx(0.8, abs=0.01)
    assert changed.sum() / masking.selected.sum() == pytest.approx(0.1 * 19 / 20, abs=0.01)
    assert set(masking.letters.tolist()) == set(range(20))


def test_every_residue_is_as_likely():
    counts = sum(
        training_masking(np.arange(20), draws_of(0, epoch, DIGEST)).selected.astype(int) for epoch in range(1000)
    )

    # Three of 20 each time: 150 expected, with a standard deviation below 12.
    assert np.abs(counts - 150).max() < 5 * 12


def test_draws_are_fresh_each_epoch_and_the_same_again():
    letters = np.arange(200) % 20
    first, again, next_epoch, other_chain, other_seed = (
        training_masking(letters, draws_of(*origin)).selected
        for origin in [(0, 0, DIGEST), (0, 0, DIGEST), (0, 1, DIGEST), (0, 0, "f" + DIGEST), (1, 0, DIGEST)]
    )

    assert np.array_equal(first, again)
    for other in (next_epoch, other_chain, other_seed):
        assert 0 < (first & other).sum() < 20  # 4.5 of 30 expected by chance


def test_evaluation_hides_all_that_it_asks_for():
    letters = np.arange(100) % 20

    masking = evaluation_masking(letters, np.random.default_rng(0))

    assert masking.selected.sum() == 15
    assert np.array_equal(masking.hidden, masking.selected)
    assert np.array_equal(masking.letters, letters)


def test_a_chain_of_unknown_residues_is_refused():
    with pytest.raises(ValueError, match="none of a chain's 3 residues is of known type; leave the chain out"):
        training_masking(np.full(3, -1), np.random.default_rng(0))
