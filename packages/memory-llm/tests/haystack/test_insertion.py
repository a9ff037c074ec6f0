"""A haystack keeps to its budget, cuts no sentence, and hides the needle at the depth asked for."""

import itertools
import re

import numpy as np
import pytest

from memory_llm.haystack.indexed_book import IndexedBook
from memory_llm.haystack.insertion import make_grid, make_haystack
from memory_llm.haystack.needles import needle, passkey
from memory_llm.haystack.sentences import sentence_spans

NEEDLE = passkey(np.random.default_rng(0))
DEPTHS = [0.0, 0.13, 0.5, 0.87, 1.0]


@pytest.fixture(scope="module")
def indexed(book, tokenizer):
    return IndexedBook(book, tokenizer)


def count(tokenizer, text):
    return len(tokenizer(text, add_special_tokens=False)["input_ids"])


def around(haystack):
    end = haystack.needle_char + len(haystack.needle.sentence)
    assert haystack.text[haystack.needle_char : end] == haystack.needle.sentence
    return haystack.text[: haystack.needle_char], haystack.text[end:]


def sentences(text):
    return [text[start:end] for start, end in sentence_spans(text)]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("length", [1000, 3000, 40_000])
def test_the_budget_is_nearly_reached_and_never_exceeded(indexed, tokenizer, length, seed):
    """The book has some 9,000 tokens: the longest haystack repeats it."""
    haystack = make_haystack(indexed, tokenizer, length, 0.5, NEEDLE, seed)
    assert 0.95 * length <= count(tokenizer, haystack.text) <= length
    assert haystack.counted_tokens == count(tokenizer, haystack.text)


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("length", [600, 3000, 30_000])
def test_the_needle_lies_at_its_depth_to_within_one_sentence(indexed, book, tokenizer, length, depth):
    longest = max(count(tokenizer, " " + sentence) for sentence in sentences(book))
    before, after = (
        count(tokenizer, part) for part in around(make_haystack(indexed, tokenizer, length, depth, NEEDLE, 3))
    )
    assert abs(before - depth * (before + after)) <= longest
    assert (depth == 0) == (before == 0)
    assert (depth == 1) == (after == 0)


@pytest.mark.parametrize("depth", DEPTHS)
def test_sentences_are_neither_cut_nor_reordered(indexed, book, tokenizer, depth):
    before, after = around(make_haystack(indexed, tokenizer, 2000, depth, NEEDLE, 7))
    kept, whole = sentences(before) + sentences(after), sentences(book)
    start = whole.index(kept[0])
    assert kept == whole[start : start + len(kept)]


def test_a_stretch_of_a_long_enough_book_never_runs_over_its_end(indexed, tokenizer):
    for seed in range(30):
        before, after = around(make_haystack(indexed, tokenizer, indexed.num_tokens // 2, 0.5, NEEDLE, seed))
        numbers = [int(n) for n in re.findall(r"Line (\d+)", before + after)]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def test_a_short_book_is_read_again_from_its_beginning(tokenizer):
    before, after = around(make_haystack("One fox. Two dogs. Red sun.", tokenizer, 200, 1.0, NEEDLE, 0))
    assert not after
    circle = itertools.cycle(["One fox.", "Two dogs.", "Red sun."])
    kept = sentences(before)
    expected = list(itertools.islice(itertools.dropwhile(lambda sentence: sentence != kept[0], circle), len(kept)))
    assert len(kept) > 9
    assert kept == expected


def test_the_same_seed_gives_the_same_haystack_and_another_seed_another(indexed, book, tokenizer):
    first = make_haystack(indexed, tokenizer, 1500, 0.4, NEEDLE, 11)
    assert make_haystack(book, tokenizer, 1500, 0.4, NEEDLE, 11) == first
    assert len({make_haystack(indexed, tokenizer, 1500, 0.4, NEEDLE, seed).text for seed in range(8)}) > 4


def test_repeated_filler_says_the_same_over_and_over(tokenizer):
    haystack = make_haystack(None, tokenizer, 5000, 0.5, NEEDLE, 0, filler="repeat")
    assert 0.95 * 5000 <= haystack.counted_tokens <= 5000
    assert len(set(sentences("".join(around(haystack))))) == 4


def test_a_haystack_of_a_grid_does_not_depend_on_the_rest_of_the_grid(indexed, tokenizer):
    arguments = {"depths": DEPTHS, "per_cell": 2, "make_needle": needle, "seed": 4}
    large = list(make_grid(indexed, tokenizer, lengths=[400, 800], **arguments))
    small = list(make_grid(indexed, tokenizer, lengths=[800], **{**arguments, "depths": [0.5], "per_cell": 1}))
    assert [(h.num_tokens, h.depth) for h in large] == [(n, d) for n in (400, 800) for d in DEPTHS for _ in range(2)]
    assert small == [next(h for h in large if (h.num_tokens, h.depth) == (800, 0.5))]
    assert len({h.needle.sentence for h in large}) > 15


def test_a_grid_makes_haystacks_only_when_asked(indexed, tokenizer):
    grid = make_grid(indexed, tokenizer, lengths=[500, 1], depths=[0.5])
    assert next(grid).num_tokens == 500
    with pytest.raises(ValueError, match=r"`num_tokens` must exceed the needle's \d+ tokens, got 1"):
        next(grid)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"depth": 1.2}, r"`depth` must lie between 0 \(first\) and 1 \(last\), got 1.2"),
        ({"num_tokens": 10}, r"`num_tokens` must exceed the needle's \d+ tokens, got 10"),
        ({"num_tokens": 48}, r"tokens are left for the book, fewer than its sentences have; ask for a longer"),
        ({"book": None}, "`book` must be given with `filler='book'`, got None"),
        ({"book": " \n"}, "the book holds no text"),
    ],
)
def test_bad_arguments_are_named(tokenizer, book, changes, message):
    arguments = {"book": book, "num_tokens": 500, "depth": 0.5, "needle": NEEDLE, "seed": 0, **changes}
    if "num_tokens" in changes and changes["num_tokens"] == 48:
        arguments["num_tokens"] = count(tokenizer, " " + NEEDLE.sentence) + 3
    with pytest.raises(ValueError, match=message):
        make_haystack(tokenizer=tokenizer, **arguments)


def test_a_book_indexed_by_another_tokenizer_is_refused(indexed):
    from gpu_commons.testing import tiny_tokenizer

    with pytest.raises(ValueError, match="indexed with another tokenizer"):
        make_haystack(indexed, tiny_tokenizer(), 500, 0.5, NEEDLE, 0)


@pytest.mark.parametrize("changes", [{"lengths": []}, {"depths": []}, {"per_cell": 0}])
def test_an_empty_grid_is_refused_at_once(indexed, tokenizer, changes):
    with pytest.raises(ValueError, match="a grid needs lengths, depths and at least one"):
        make_grid(indexed, tokenizer, **{"lengths": [500], "depths": [0.5], **changes})
