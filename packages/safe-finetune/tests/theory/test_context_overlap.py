"""Nearest task prompts by three measures, against plain Python definitions."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safe_finetune.theory.context_overlap import (
    Nearest,
    conflict_rate,
    nearest_by_embedding,
    nearest_by_exact_match,
    nearest_by_ngrams,
    overlap_rate,
)

texts = st.lists(st.text("abc ", min_size=1, max_size=20), min_size=1, max_size=8)


def ngrams(text, length):
    text = " ".join(text.split()).casefold()
    return {text[start : start + length] for start in range(max(1, len(text) - length + 1))}


@settings(max_examples=60, deadline=None)
@given(safety=texts, task=texts, length=st.integers(1, 6))
def test_ngram_similarity_is_jaccard(safety, task, length):
    found = nearest_by_ngrams(safety, task, length=length)
    for row, prompt in enumerate(safety):
        table = [
            len(ngrams(prompt, length) & ngrams(other, length)) / len(ngrams(prompt, length) | ngrams(other, length))
            for other in task
        ]
        assert found.similarities[row] == pytest.approx(max(table))
        assert found.rows[row] == table.index(max(table))


def test_embedding_similarity_is_the_largest_cosine_in_any_block():
    rng = np.random.default_rng(0)
    safety, task = rng.normal(size=(600, 5)), rng.normal(size=(7, 5))
    cosines = np.array([[a @ b / np.linalg.norm(a) / np.linalg.norm(b) for b in task] for a in safety])
    found = nearest_by_embedding(safety, task)
    np.testing.assert_array_equal(found.rows, cosines.argmax(1))
    np.testing.assert_allclose(found.similarities, cosines.max(1))


def test_exact_matches_pass_over_case_and_white_space():
    found = nearest_by_exact_match([" How do\nI? ", "what"], ["When?", "how do i?", "How do I?"])
    assert found.rows.tolist() == [1, 0]
    assert found.similarities.tolist() == [1.0, 0.0]


def test_rates_count_overlap_and_conflict():
    nearest = Nearest(np.array([0, 1, 1, 0]), np.array([1.0, 0.9, 0.8, 0.1]))
    assert overlap_rate(nearest, 0.8) == 0.75
    answers = (["no", "No ", "no", "yes"], ["yes", "no"])
    assert conflict_rate(nearest, 0.8, *answers) == pytest.approx(1 / 3)
    assert math.isnan(conflict_rate(nearest, 1.1, *answers))


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="`task` must have at least one prompt, got 0"):
        nearest_by_ngrams(["a"], [])
    with pytest.raises(ValueError, match="`safety` must have at least one prompt, got 0"):
        nearest_by_exact_match([], ["a"])
    with pytest.raises(ValueError, match="`safety` must have a direction in each row, got norm 0.0 in row 1"):
        nearest_by_embedding(np.array([[1.0], [0.0]]), np.ones((1, 1)))
    with pytest.raises(ValueError, match="`task` must have at least one prompt, got 0"):
        nearest_by_embedding(np.ones((1, 1)), np.ones((0, 1)))
    with pytest.raises(ValueError, match="`safety_responses` must be 1, one a safety prompt, got 2"):
        conflict_rate(Nearest(np.array([0]), np.array([1.0])), 0.5, ["a", "b"], ["a"])
    with pytest.raises(ValueError, match="`task_responses` must reach row 3, got 1 responses"):
        conflict_rate(Nearest(np.array([3]), np.array([1.0])), 0.5, ["a"], ["a"])


def test_half_a_surrogate_pair_is_text_like_any_other():
    assert nearest_by_ngrams(["bad \ud83d end"], ["bad \ud83d end"]).similarities.tolist() == [1.0]
