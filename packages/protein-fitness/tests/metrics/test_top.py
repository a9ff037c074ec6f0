import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protein_fitness.metrics.top import ndcg, top_recall


def plain_ndcg(scores, labels):
    """By the words of the definition, for scores without ties."""
    low, high = min(labels), max(labels)
    gains = [(label - low) / (high - low) for label in labels]
    places = len(labels) // 10
    by_score = sorted(range(len(labels)), key=lambda row: -scores[row])
    got = sum(gains[row] / math.log2(rank + 1) for rank, row in enumerate(by_score[:places], start=1))
    best = sum(gain / math.log2(rank + 1) for rank, gain in enumerate(sorted(gains)[::-1][:places], start=1))
    return got / best


@given(
    st.permutations(range(30)), st.lists(st.integers(0, 8), min_size=30, max_size=30).filter(lambda v: len(set(v)) > 1)
)
def test_ndcg_is_its_definition_where_no_scores_tie(scores, labels):
    found = ndcg(np.array(scores, dtype=float), np.array(labels, dtype=float))

    assert found.value == pytest.approx(plain_ndcg(scores, labels))


def test_tied_scores_count_as_all_their_orders_do_on_average():
    draws = np.random.default_rng(0)
    scores, labels = draws.integers(0, 4, size=40).astype(float), draws.normal(size=40)

    orders = [plain_ndcg(scores + draws.uniform(0, 0.5, size=40), labels) for _ in range(1500)]

    assert ndcg(scores, labels).value == pytest.approx(np.mean(orders), abs=0.02)


def test_a_constant_score_gains_nothing_from_a_table_sorted_by_label():
    labels = np.arange(100.0)

    found = [ndcg(np.zeros(100), order).value for order in (labels, labels[::-1])]
    assert found[0] == pytest.approx(found[1])
    assert found[0] < 0.6
    assert ndcg(labels, labels).value == 1


def test_recall_counts_who_is_in_both_tops():
    labels = np.arange(40.0)
    scores = labels.copy()
    scores[[39, 38]] = 0  # two of the four best mutants are missed, and the next two come in their place

    assert top_recall(labels, labels).value == 1
    assert top_recall(scores, labels).value == 0.5
    assert top_recall(-labels, labels).value == 0


def test_scores_that_share_the_top_find_nothing_and_labels_that_do_have_a_reason():
    labels = np.arange(20.0)
    tied = np.minimum(labels, 15)

    assert top_recall(tied, labels).value == 0
    found = top_recall(labels, tied)
    assert np.isnan(found.value)
    assert found.reason == "a tenth or more of the 20 mutants share the greatest label, 15."


@pytest.mark.parametrize("metric", [ndcg, top_recall])
def test_holes_are_left_out_and_what_is_left_must_be_enough(metric):
    scores, labels = np.random.default_rng(1).normal(size=(2, 30))
    scores[20:], labels[:5] = np.nan, np.nan

    assert metric(scores, labels) == metric(scores[5:20], labels[5:20])
    assert metric(scores[:10], labels[:10]).reason == "5 mutants have a score and a label; a metric needs 10 or more."
    assert metric(scores[:12], np.ones(12)).reason.startswith("all 12 mutants have the label 1")
