"""Intervals: they cover, they collapse where nothing varies, and pairing narrows them."""

import math

import numpy as np
import pytest

from controlled_decoding.evaluation.bootstrap import PairedBootstrap, PromptSums


def means(values):
    return PromptSums(np.asarray(values, dtype=float), np.ones(len(values)))


def test_a_constant_has_an_interval_of_width_zero():
    bootstrap = PairedBootstrap(7, resamples=200)
    assert tuple(bootstrap.value(means([0.25] * 7))) == pytest.approx((0.25, 0.25, 0.25))
    assert tuple(bootstrap.difference(means([0.5] * 7), means([0.25] * 7))) == pytest.approx((0.25, 0.25, 0.25))


def test_a_method_that_equals_the_baseline_differs_by_exactly_nothing():
    values = means(np.random.default_rng(0).random(20))
    bootstrap = PairedBootstrap(20, resamples=500)
    assert bootstrap.difference(values, values) == (0.0, 0.0, 0.0)
    assert tuple(bootstrap.ratio(values, values)) == pytest.approx((1.0, 1.0, 1.0))


def test_pairing_removes_what_prompts_have_in_common():
    generator = np.random.default_rng(1)
    base = generator.normal(0, 10, 50)
    interval = PairedBootstrap(50, resamples=2000).difference(means(base + generator.normal(-1, 0.1, 50)), means(base))
    assert -1.1 < interval.low < interval.value < interval.high < -0.9


def test_intervals_cover_the_true_mean_about_as_often_as_they_say():
    """Percentile intervals of 40 normal values cover 95 % nominally and a little less in truth; 300 trials have a
    standard error of 1.3 %.
    """
    generator = np.random.default_rng(2)
    covered = 0
    for trial in range(300):
        interval = PairedBootstrap(40, resamples=400, seed=trial).value(means(generator.normal(3, 1, 40)))
        covered += interval.low <= 3 <= interval.high
    assert 0.90 <= covered / 300 <= 0.98


def test_a_ratio_of_sums_weighs_prompts_by_their_denominator():
    """10 nats on 1 token and 10 nats on 9 tokens are 2 nats a token, so the perplexity is e squared."""
    interval = PairedBootstrap(2, resamples=500).value(
        PromptSums(np.array([10.0, 10.0]), np.array([1.0, 9.0])), transform=np.exp
    )
    assert interval.value == pytest.approx(math.exp(2))
    assert interval.low == pytest.approx(math.exp(10 / 9))
    assert interval.high == pytest.approx(math.exp(10))


def test_what_cannot_be_measured_is_nan_and_empty_prompts_do_not_spoil_the_rest():
    bootstrap = PairedBootstrap(3, resamples=300)
    nothing = PromptSums(np.zeros(3), np.zeros(3))
    assert all(map(math.isnan, bootstrap.value(nothing)))
    assert all(map(math.isnan, bootstrap.ratio(means([1, 1, 1]), means([0, 0, 0]))))
    partly = bootstrap.value(PromptSums(np.array([0.0, 2.0, 2.0]), np.array([0.0, 1.0, 1.0])))
    assert tuple(partly) == (2.0, 2.0, 2.0)


def test_draws_follow_the_seed():
    values = means(np.random.default_rng(3).random(30))
    first, again, other = (PairedBootstrap(30, resamples=300, seed=seed).value(values) for seed in (0, 0, 1))
    assert first == again != other


def test_no_prompts_are_refused():
    with pytest.raises(ValueError, match="`num_prompts` must be at least 1, got 0"):
        PairedBootstrap(0)
