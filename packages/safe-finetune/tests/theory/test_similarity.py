"""Estimates of similarity against their definitions, and certificates that never exceed the true distance."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr

from safe_finetune.theory.similarity import (
    auroc,
    auroc_interval,
    certified_total_variation,
    loss_profile_distance,
    mean_discrepancy,
    two_sample_test,
)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 999), levels=st.integers(1, 9))
def test_auroc_is_the_share_of_ordered_pairs(seed, levels):
    rng = np.random.default_rng(seed)
    low, high = (rng.integers(levels, size=size).astype(float) for size in (7, 11))
    pairs = (high[:, None] > low) + (high[:, None] == low) / 2
    assert auroc(low, high) == pytest.approx(pairs.mean())


@pytest.mark.parametrize("distance", [0.0, 0.3, 0.8, 1.0])
def test_certificate_is_tight_for_the_steepest_roc_curve(distance):
    """Two uniform distributions that share all but a part of their mass have the greatest AUROC for their distance."""
    levels = (np.arange(2000) + 0.5) / 2000
    area = np.minimum(1, levels + distance).mean()
    assert certified_total_variation(float(area)) == pytest.approx(distance, abs=2e-3)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 999))
def test_certificate_never_exceeds_the_distance_of_discrete_distributions(seed):
    rng = np.random.default_rng(seed)
    first, second = rng.dirichlet(np.full(6, 0.5), size=2)
    order = np.argsort(second / first)  # the best score is the likelihood ratio
    below = np.cumsum(first[order]) - first[order]
    area = float((second[order] * (below + first[order] / 2)).sum())
    assert certified_total_variation(area) <= np.abs(first - second).sum() / 2 + 1e-9


def test_interval_covers_and_has_width_at_the_ends():
    low, high = auroc_interval(1.0, 100)
    assert (low, high) == (pytest.approx(0.025 ** (1 / 100)), 1.0)
    assert auroc_interval(0.0, 100)[1] == pytest.approx(1 - low)
    narrow, wide = auroc_interval(0.7, 1000), auroc_interval(0.7, 50)
    assert wide[0] < narrow[0] < 0.7 < narrow[1] < wide[1]


def test_interval_covers_the_true_area_in_repeated_draws():
    """Scores N(0, 1) and N(1, 1) have the AUROC Phi(1 / sqrt 2)."""
    rng, truth = np.random.default_rng(0), float(ndtr(1 / np.sqrt(2)))
    covered = []
    for _ in range(200):
        low, high = auroc_interval(auroc(rng.normal(size=40), rng.normal(loc=1.0, size=60)), 40)
        covered.append(low <= truth <= high)
    assert np.mean(covered) >= 0.95


def test_different_sets_are_told_apart_and_equal_ones_are_not():
    rng = np.random.default_rng(0)
    first, same, apart = rng.normal(size=(3, 200, 8))
    apart = apart + 1.0
    different, equal = two_sample_test(first, apart), two_sample_test(first, same)
    assert different.auroc > 0.95
    # The true distance of N(0, I) and N(1, I) in 8 dimensions is 2 Phi(sqrt(8) / 2) - 1 = 0.84.
    assert 0.4 < different.total_variation_at_least <= 0.84
    assert equal.auroc_interval[0] < 0.5 < equal.auroc_interval[1]
    assert equal.total_variation_at_least == 0.0
    assert different.num_held_out == (100, 100)


def test_what_a_classifier_learns_by_heart_is_no_difference():
    """With as many columns as rows, the training rows are told apart perfectly."""
    first, second = np.random.default_rng(0).normal(size=(2, 60, 60))
    assert two_sample_test(first, second).total_variation_at_least == 0.0


def test_a_seed_gives_the_same_result_and_constant_columns_do_no_harm():
    rng = np.random.default_rng(1)
    first, second = np.ones((2, 30, 3))
    first[:, 0], second[:, 0] = rng.normal(size=(2, 30))
    assert two_sample_test(first, second, seed=5) == two_sample_test(first, second, seed=5)


def test_loss_profile_distance_is_the_largest_gap_of_shares():
    first, second = np.arange(10.0), np.arange(10.0) + 3
    assert loss_profile_distance(first, second).distance == pytest.approx(0.3)
    assert loss_profile_distance(first, second).total_variation_at_least == 0.0


def test_loss_profile_certificate_stays_below_the_true_distance():
    """Exponential losses of rate 1 and 3 differ in total variation by 2 / (3 sqrt 3)."""
    rng, truth = np.random.default_rng(0), 2 / (3 * np.sqrt(3))
    found = [
        loss_profile_distance(rng.exponential(1, 500), rng.exponential(1 / 3, 500)).total_variation_at_least
        for _ in range(200)
    ]
    assert np.mean(np.array(found) <= truth) >= 0.95
    assert np.median(found) > truth / 2


def test_mean_discrepancy_equals_its_definition():
    """Equation 3 of Gretton et al., summed pair by pair."""
    rng = np.random.default_rng(2)
    first, second = rng.normal(size=(12, 3)), rng.normal(loc=0.5, size=(15, 3))
    pooled = np.concatenate([first, second])
    distances = [((a - b) ** 2).sum() for i, a in enumerate(pooled) for b in pooled[:i]]
    width = np.median(distances)

    def kernel(a, b):
        return np.exp(-((a - b) ** 2).sum() / width)

    within_first = np.mean([kernel(a, b) for i, a in enumerate(first) for j, b in enumerate(first) if i != j])
    within_second = np.mean([kernel(a, b) for i, a in enumerate(second) for j, b in enumerate(second) if i != j])
    across = np.mean([kernel(a, b) for a in first for b in second])
    found = mean_discrepancy(first, second)
    assert found.mmd_squared == pytest.approx(within_first + within_second - 2 * across, abs=1e-12)


def test_permutation_test_sees_a_shift_and_no_other():
    rng = np.random.default_rng(3)
    first, same, apart = rng.normal(size=(3, 60, 4))
    apart = apart + 1.0
    assert mean_discrepancy(first, apart).p_value == pytest.approx(1 / 201)
    assert mean_discrepancy(first, same).p_value > 0.05


@pytest.mark.parametrize("estimate", [two_sample_test, mean_discrepancy])
def test_bad_rows_are_named(estimate):
    good, bad = np.zeros((10, 2)), np.zeros((10, 2))
    bad[3, 1] = np.nan
    with pytest.raises(ValueError, match="`first` must have at least 10 rows, got 9"):
        estimate(good[:9], good)
    with pytest.raises(ValueError, match="`second` holds NaN or infinity in row 3"):
        estimate(good, bad)
    with pytest.raises(ValueError, match="`second` holds NaN or infinity in row 3"):
        loss_profile_distance(good[:, 0], bad[:, 1])


def test_a_certificate_needs_a_probability():
    with pytest.raises(ValueError, match=r"`auroc_lower_bound` must be in \[0, 1\], got 1.2"):
        certified_total_variation(1.2)
