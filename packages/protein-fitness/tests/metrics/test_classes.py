from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protein_fitness.metrics.classes import auc, mcc

TABLES = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 1)), min_size=10, max_size=30).filter(
    lambda rows: len({one for _, one in rows}) == 2
)


@given(TABLES)
def test_auc_is_the_share_of_pairs_in_the_right_order(rows):
    fit, unfit = ([score for score, one in rows if one == wanted] for wanted in (1, 0))
    right = sum((a > b) + (a == b) / 2 for a, b in product(fit, unfit))

    scores, classes = np.array(rows, dtype=float).T

    assert auc(scores, classes).value == pytest.approx(right / (len(fit) * len(unfit)))


@given(TABLES, st.one_of(st.none(), st.integers(0, 5)))
def test_mcc_is_the_formula_of_the_four_counts(rows, cut):
    scores, classes = np.array(rows, dtype=float).T
    at = np.median(scores) if cut is None else cut
    counts = dict.fromkeys(product((True, False), repeat=2), 0)
    for score, one in rows:
        counts[score >= at, one == 1] += 1
    tp, fp, fn, tn = (counts[both] for both in ((True, True), (True, False), (False, True), (False, False)))
    below = (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)

    expected = (tp * tn - fp * fn) / below**0.5 if below else 0.0

    assert mcc(scores, classes, cut=cut).value == pytest.approx(expected)


def test_rows_without_a_score_or_a_class_count_for_neither():
    scores, classes = np.arange(20.0), np.array([0.0, 1.0] * 10)
    scores[0], classes[19] = np.nan, np.nan

    for metric in (auc, mcc):
        assert metric(scores, classes) == metric(scores[1:19], classes[1:19])


@pytest.mark.parametrize("metric", [auc, mcc])
@pytest.mark.parametrize(
    ("classes", "said"),
    [
        ([0.0, 1.0] * 4, "8 mutants have a score and a label; a metric needs 10 or more."),
        ([1.0] * 12, "all 12 mutants have the class 1, so that there is nothing to rank."),
    ],
)
def test_what_has_no_value_has_a_reason(metric, classes, said):
    found = metric(np.arange(float(len(classes))), np.array(classes))

    assert np.isnan(found.value)
    assert found.reason == said


def test_a_third_class_is_refused():
    with pytest.raises(ValueError, match="a class is 2; each must be 0"):
        auc(np.arange(10.0), np.array([0.0, 1, 2, 0, 1, 0, 1, 0, 1, 0]))
