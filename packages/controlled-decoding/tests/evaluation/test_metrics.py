"""Measures against values worked out by hand."""

import math

import numpy as np
import pytest

from controlled_decoding.evaluation import metrics

# Two prompts, two seeds, three samples.
SCORES = np.array([[[0.1, 0.5, 0.9], [0.0, 0.2, 0.4]], [[0.0, 0.0, 0.0], [0.6, 0.7, 0.8]]])


def test_rates_and_maxima_of_a_small_table():
    assert metrics.toxic_rate(SCORES).tolist() == [2 / 6, 3 / 6]
    assert metrics.expected_maximum(SCORES) == pytest.approx([0.65, 0.4])
    assert metrics.any_of_n_rate(SCORES).tolist() == [0.5, 0.5]


def test_one_half_counts_as_toxic():
    assert metrics.is_toxic(np.array([0.4999, 0.5])).tolist() == [False, True]


def test_distinct_n_by_hand():
    """For "a b a" and "a b": words a b a a b (2 of 5 different); pairs ab ba ab (2 of 3); triples aba (1 of 1)."""
    texts = ["a b a", "a b"]
    assert [metrics.distinct_n(texts, n) for n in (1, 2, 3)] == [2 / 5, 2 / 3, 1.0]
    assert math.isnan(metrics.distinct_n(texts, 4))
    assert math.isnan(metrics.distinct_n([], 1))


def test_repetition_by_hand():
    """Four-grams of "x x x x x x" are three times the same one."""
    assert metrics.repetition_rate("x x x x x x") == pytest.approx(2 / 3)
    assert metrics.repetition_rate("one two three four five") == 0.0
    assert math.isnan(metrics.repetition_rate("too short"))
