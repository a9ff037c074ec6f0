"""The interval is Wilson's: it solves the score equation at both ends."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_llm.haystack.wilson import wilson_rate


@given(st.integers(1, 500).flatmap(lambda trials: st.tuples(st.integers(0, trials), st.just(trials))))
def test_both_ends_lie_1_96_standard_errors_from_the_rate(counts):
    """Each end p inside (0, 1) satisfies |rate - p| = z sqrt(p (1 - p) / n)."""
    rate = wilson_rate(*counts)
    assert 0 <= rate.low <= rate.value <= rate.high <= 1
    for end in (rate.low, rate.high):
        if 0 < end < 1:
            error = 1.959963984540054 * math.sqrt(end * (1 - end) / counts[1])
            assert abs(rate.value - end) == pytest.approx(error, rel=1e-9)


def test_all_right_of_ten_is_far_from_certain():
    assert wilson_rate(10, 10) == pytest.approx((1.0, 0.72246, 1.0), abs=1e-5)


@pytest.mark.parametrize("counts", [(0, 0), (3, 2), (-1, 2)])
def test_impossible_counts_are_named(counts):
    with pytest.raises(ValueError, match=f"got {counts[0]} of {counts[1]}"):
        wilson_rate(*counts)
