"""Diluted stories keep their lines in order, point at the same support, and take filler in one stretch."""

import time
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_llm.haystack.stories import Story, dilute, dilute_all, where_is_object
from memory_llm.haystack.stories.dilute import consecutive

FILLER = [f"Filler {number}." for number in range(20)]
PLACES = ("spread", "clustered", "ends")


def numbered_story(num_facts, support):
    lines = tuple(f"Fact {number}." for number in range(num_facts))
    return Story(lines=lines, question="What?", answer="this", support=support)


SUPPORTS = st.integers(1, 8).flatmap(
    lambda num_facts: st.tuples(st.just(num_facts), st.lists(st.integers(0, num_facts - 1), max_size=3))
)


@given(SUPPORTS, st.integers(0, 60), st.integers(0, 2**32 - 1), st.sampled_from(PLACES))
def test_facts_keep_their_order_support_its_lines_and_filler_its_stretch(facts, num_lines, seed, place):
    story = numbered_story(facts[0], tuple(facts[1]))
    diluted = dilute(story, FILLER, num_lines, seed, place=place)
    assert tuple(line for line in diluted.lines if line.startswith("Fact")) == story.lines
    assert [diluted.lines[new] for new in diluted.support] == [story.lines[old] for old in story.support]
    filler = [FILLER.index(line) for line in diluted.lines if line.startswith("Filler")]
    assert len(filler) == num_lines
    assert all((after - before) % 20 == 1 for before, after in pairwise(filler))
    assert (diluted.question, diluted.answer) == (story.question, story.answer)
    assert dilute(story, FILLER, num_lines, seed, place=place) == diluted


def test_without_filler_it_is_the_story_itself(milk_story):
    assert all(dilute(milk_story, [], 0, 1, place=place) == milk_story for place in PLACES)


def test_spread_draws_every_gap_alike_and_may_draw_one_twice():
    """With two facts and three gaps, nine pairs are drawn alike, so that sorted ones come 1 or 2 times of 9."""
    told = numbered_story(2, (0, 1))
    counts = Counter(dilute(told, FILLER, 2, seed).support for seed in range(1800))
    expected = {(0, 1): 1, (2, 3): 1, (1, 2): 1, (0, 2): 2, (0, 3): 2, (1, 3): 2}
    assert set(counts) == set(expected)
    assert all(abs(counts[pair] - 200 * times) < 5 * (200 * times) ** 0.5 for pair, times in expected.items())


def test_clustered_facts_are_neighbours_anywhere():
    told = numbered_story(3, (0, 1, 2))
    firsts = {dilute(told, FILLER, 5, seed, place="clustered").support for seed in range(200)}
    assert firsts == {(first, first + 1, first + 2) for first in range(6)}


def test_facts_at_the_ends_have_all_filler_between():
    assert dilute(numbered_story(3, (0, 1, 2)), FILLER, 5, 0, place="ends").support == (0, 1, 7)


@given(st.integers(0, 70), st.integers(0, 1000))
def test_a_stretch_is_read_in_a_circle(num_lines, seed):
    lines = consecutive("abcdefg", num_lines, np.random.default_rng(seed))
    assert "".join(lines) in "abcdefg" * 12
    assert len(lines) == num_lines


def test_stretches_begin_anywhere():
    assert len({dilute(numbered_story(1, ()), FILLER, 3, seed).lines[-1] for seed in range(400)}) >= 20


def test_each_story_of_a_set_has_a_seed_of_its_own_that_does_not_depend_on_the_others(sentences):
    told = [numbered_story(4, (0,))] * 6
    many = list(dilute_all(told, sentences, 30, seed=5))
    assert len(set(many)) == 6
    assert list(dilute_all(told[:2], sentences, 30, seed=5)) == many[:2]
    assert list(dilute_all(told, sentences, 30, seed=6)) != many


def test_a_thousand_stories_of_a_thousand_lines_take_seconds(sentences):
    told = list(where_is_object(200)) * 5
    start = time.process_time()
    diluted = list(dilute_all(told, sentences, 1000))
    assert time.process_time() - start < 5
    assert all(len(long.lines) == len(short.lines) + 1000 for long, short in zip(diluted, told, strict=True))


def test_bad_arguments_are_named(milk_story):
    with pytest.raises(ValueError, match="`num_lines` must not be negative, got -1"):
        dilute(milk_story, FILLER, -1, 0)
    with pytest.raises(ValueError, match="`filler_lines` must hold a line for 3 to be put in, got none"):
        dilute(milk_story, [], 3, 0)
