"""Intervals are those of the BCa bootstrap, within strata."""

import numpy as np
import pytest
from scipy.stats import bootstrap

from agent_tom.metrics import EpisodeBootstrap

ONE = np.zeros(40)


@pytest.mark.parametrize("level", [0.9, 0.95])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_single_stratum_is_scipys_bca(level, seed):
    values = np.random.default_rng(seed).lognormal(sigma=0.8, size=40)
    found = EpisodeBootstrap(ONE, resamples=100_000, level=level, seed=seed).mean(values)
    settings = {"n_resamples": 100_000, "confidence_level": level, "rng": np.random.default_rng(9)}
    expected = bootstrap((values,), np.mean, method="BCa", **settings).confidence_interval
    plain = bootstrap((values,), np.mean, method="percentile", **settings).confidence_interval
    # In errors of the mean, an upper end varies by 0.02 from one seed of the draws to the next (measured: 0.015 to 0.03
    # with half as many draws), and two of them differ by 0.03. Four times that is allowed, and BCa adds more.
    error = values.std() / 40**0.5
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=0.12 * error)
    assert plain.high < found.high - 0.12 * error
    assert plain.low < found.low - 0.12 * error
    assert found.value == values.mean()


def test_values_that_agree_have_an_interval_of_one_point():
    assert EpisodeBootstrap(ONE).mean(np.full(40, 0.3)) == pytest.approx((0.3, 0.3, 0.3))


def test_one_episode_has_an_interval_of_one_point():
    assert EpisodeBootstrap(np.array([2])).mean(np.array([0.7])) == (0.7, 0.7, 0.7)


def test_episodes_alone_in_their_strata_are_drawn_together():
    values = np.array([1.0, 5.0, 9.0, 3.0])
    found = EpisodeBootstrap(np.arange(4)).mean(values)
    assert found == EpisodeBootstrap(np.zeros(4)).mean(values)
    assert found.low < found.value < found.high


def test_no_episodes_have_none():
    assert np.isnan(EpisodeBootstrap(np.array([], dtype=int)).mean(np.array([]))).all()


def test_one_value_that_differs_leaves_a_finite_interval():
    values = np.zeros(40)
    values[3] = 1.0
    found = EpisodeBootstrap(ONE).mean(values)
    assert 0 <= found.low <= found.value == 1 / 40 <= found.high < 0.3
    assert found.low < found.high


def test_differences_between_strata_are_no_uncertainty():
    values = np.repeat([1.0, 5.0], 20)
    within = EpisodeBootstrap(np.repeat([0, 1], 20)).mean(values)
    assert within == pytest.approx((3, 3, 3))
    across = EpisodeBootstrap(ONE).mean(values)
    assert across.high - across.low > 1


def test_each_stratum_counts_by_its_episodes():
    draws = np.random.default_rng(4)
    strata = np.repeat([0, 1, 2], [30, 8, 2])
    values = draws.normal(size=40) + 3.0 * strata
    found = EpisodeBootstrap(strata, resamples=40_000).mean(values)
    # What a mean over strata has for a variance, drawn with replacement: the biased one within each.
    error = sum(values[strata == one].var() * (strata == one).sum() for one in range(3)) ** 0.5 / 40
    assert found.value == values.mean()
    assert (found.high - found.low) / error == pytest.approx(2 * 1.96, rel=0.03)


def test_order_and_names_of_strata_do_not_matter():
    draws = np.random.default_rng(4)
    values, strata = draws.normal(size=40), np.repeat([0, 1], 20)
    one = EpisodeBootstrap(strata).mean(values)
    assert one == EpisodeBootstrap(np.repeat(["a", "b"], 20)).mean(values)
    shuffled = draws.permutation(40)
    other = EpisodeBootstrap(strata[shuffled], resamples=40_000).mean(values[shuffled])
    assert other == pytest.approx(EpisodeBootstrap(strata, resamples=40_000).mean(values), abs=0.01)


def test_draws_are_those_of_the_seed():
    values = np.random.default_rng(0).normal(size=40)
    one, same, other = (EpisodeBootstrap(ONE, seed=seed, resamples=500).mean(values) for seed in (1, 1, 2))
    assert one == same != other
