import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from protein_fitness.metrics.spearman import spearman


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=10, max_size=40))
def test_the_value_is_scipys_with_ties(pairs):
    scores, labels = np.array(pairs, dtype=float).T
    if np.ptp(scores) == 0 or np.ptp(labels) == 0:
        return

    assert spearman(scores, labels, resamples=2).value == pytest.approx(spearmanr(scores, labels)[0])


def test_rows_without_a_score_or_a_label_are_left_out():
    draws = np.random.default_rng(0)
    scores, labels = draws.normal(size=(2, 50))
    holes = scores.copy(), labels.copy()
    holes[0][:10], holes[1][40:] = np.nan, np.nan

    found = spearman(*holes)

    assert found.count == 30
    assert found.value == pytest.approx(spearman(scores[10:40], labels[10:40]).value)


def test_the_interval_holds_the_value_and_narrows_with_more_mutants():
    draws = np.random.default_rng(1)
    scores = draws.normal(size=4000)
    labels = scores + draws.normal(size=4000)

    few, many = spearman(scores[:100], labels[:100]), spearman(scores, labels)

    assert few.low < few.value < few.high
    assert (many.high - many.low) < 0.3 * (few.high - few.low)


def test_the_interval_covers_the_truth_as_often_as_it_says():
    draws = np.random.default_rng(2)
    truth = 6 / np.pi * np.arcsin(0.5 / 2)  # of two normal variables with a correlation of one half
    hits = 0
    for seed in range(100):
        one = draws.normal(size=80)
        other = 0.5 * one + np.sqrt(0.75) * draws.normal(size=80)
        found = spearman(one, other, resamples=200, seed=seed)
        hits += found.low <= truth <= found.high

    assert 88 <= hits <= 100


@pytest.mark.parametrize(
    ("scores", "labels", "said"),
    [
        (np.arange(9.0), np.arange(9.0), "9 mutants have a score and a label; a correlation needs 10 or more"),
        (np.ones(12), np.arange(12.0), "all 12 mutants have the score 1, so that there is nothing to rank"),
        (np.arange(12.0), np.zeros(12), "all 12 mutants have the label 0, so that there is nothing to rank"),
    ],
)
def test_what_cannot_be_ranked_is_said(scores, labels, said):
    with pytest.raises(ValueError, match=said):
        spearman(scores, labels)
