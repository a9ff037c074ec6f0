"""Intervals: known width for a coin, none where there is nothing to draw."""

import math

import pytest

from memory_llm.facts import mean_interval

NAN = pytest.approx(math.nan, nan_ok=True)


def test_the_interval_of_a_fair_coin_has_the_width_of_the_normal_law():
    """400 tosses: standard error 0.025, so 0.5 ± 0.049; the law's steps of 1/400 and 2,000 draws leave 0.006."""
    found = mean_interval([0.0, 1.0] * 200)
    assert found.value == 0.5
    assert found.low == pytest.approx(0.451, abs=0.006)
    assert found.high == pytest.approx(0.549, abs=0.006)
    assert found.num_facts == 400


def test_a_lower_level_gives_a_narrower_interval():
    values = [0.0, 1.0, 1.0, 0.5] * 10
    wide, narrow = mean_interval(values), mean_interval(values, level=0.5)
    assert wide.low < narrow.low < narrow.high < wide.high


def test_a_constant_has_an_interval_of_width_zero():
    assert mean_interval([0.25] * 7) == (0.25, 0.25, 0.25, 7)


def test_facts_without_a_value_do_not_count():
    assert mean_interval([math.nan, 1.0, 0.0, math.nan, 1.0]) == mean_interval([1.0, 0.0, 1.0])


def test_the_same_seed_draws_the_same_facts_and_another_does_not():
    values = [float(n) ** 2 for n in range(30)]
    assert mean_interval(values) == mean_interval(values)
    assert mean_interval(values, seed=1)[1:3] != mean_interval(values)[1:3]


def test_what_has_no_interval_says_so():
    assert mean_interval([]) == (NAN, NAN, NAN, 0)
    assert mean_interval([math.nan]) == (NAN, NAN, NAN, 0)
    assert mean_interval([0.5]) == (0.5, NAN, NAN, 1)
    assert mean_interval([0.5, math.inf]) == (math.inf, NAN, NAN, 2)
