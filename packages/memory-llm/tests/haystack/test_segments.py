"""Segments hold the whole text, keep to their limit, and cut no sentence that fits."""

import functools
import itertools
import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gpu_commons.testing import tiny_tokenizer
from memory_llm.haystack.segments import Segment, segment
from memory_llm.haystack.sentences import sentence_spans

TOKENIZER = tiny_tokenizer()
TEXTS = st.text(alphabet=st.sampled_from("abcde. !?\n\"éß雨🦊'"), max_size=120)


def num_tokens(text):
    return len(TOKENIZER(text, add_special_tokens=False)["input_ids"])


def tokens_within(text, start, end):
    """Tokens of the whole text that lie within a span, by the place of their first visible character."""
    return sum(start <= place < end for place in token_places(text))


@functools.cache
def token_places(text):
    offsets = TOKENIZER(text, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
    return [last - len(text[first:last].lstrip() or text[first:last]) for first, last in offsets]


def squeezed(text):
    return re.sub(r"\s+", "", text)


@settings(deadline=None)
@given(TEXTS, st.integers(4, 30), st.sampled_from(["sentence", "token"]))
@example("a" * 100, 5, "token")
@example("🦊" * 20, 5, "sentence")
def test_segments_joined_give_back_the_text(text, max_tokens, by):
    segments = list(segment(text, TOKENIZER, max_tokens, by))
    assert squeezed("".join(part.text for part in segments)) == squeezed(text)
    assert all(text[part.start_char : part.end_char] == part.text == part.text.strip() != "" for part in segments)


@settings(deadline=None)
@given(TEXTS, st.integers(4, 30), st.sampled_from(["sentence", "token"]), st.integers(0, 29))
def test_overlapping_segments_advance_cover_the_text_and_repeat_no_more_than_asked(text, max_tokens, by, overlap):
    overlap = min(overlap, max_tokens - 1)
    segments = list(segment(text, TOKENIZER, max_tokens, by, overlap))
    end = 0
    for before, after in itertools.pairwise([Segment("", 0, 0), *segments]):
        assert after.end_char > before.end_char
        assert after.start_char >= before.start_char
        assert not text[end : after.start_char].strip()
        assert num_tokens(text[after.start_char : end]) <= overlap + 1  # alone, a first word may cost one more
        end = after.end_char
    assert not text[end:].strip()


@settings(deadline=None)
@given(st.text(alphabet=st.sampled_from("abcde. !?\n"), max_size=200), st.integers(1, 30), st.integers(0, 29))
def test_no_segment_exceeds_the_limit(text, max_tokens, overlap):
    overlap = min(overlap, max_tokens - 1)
    for part in segment(text, TOKENIZER, max_tokens, overlap=overlap):
        assert tokens_within(text, part.start_char, part.end_char) <= max_tokens


def test_a_sentence_that_fits_is_never_cut(book):
    limit = max(tokens_within(book, *span) for span in sentence_spans(book))
    edges = {edge for span in sentence_spans(book) for edge in span}
    segments = list(segment(book, TOKENIZER, limit))
    assert len(segments) > 20
    assert all({part.start_char, part.end_char} <= edges for part in segments)


def test_segments_are_packed_as_full_as_sentences_allow(book):
    segments = list(segment(book, TOKENIZER, 80))
    for part, following in itertools.pairwise(segments):
        next_end = following.start_char + sentence_spans(following.text)[0][1]
        assert tokens_within(book, part.start_char, next_end) > 80


def test_a_long_sentence_is_cut_between_words_and_its_neighbours_stay_whole():
    text = "Short one. " + " ".join(["garden"] * 60) + ". Last one."
    segments = list(segment(text, TOKENIZER, 16))
    words = [word for part in segments for word in part.text.split()]
    assert words == text.split()
    assert (
        sum("Short one." in part.text for part in segments) == sum("Last one." in part.text for part in segments) == 1
    )


def test_windows_of_tokens_repeat_their_overlap(book):
    segments = list(segment(book, TOKENIZER, 40, "token", 20))
    shares = [num_tokens(book[b.start_char : a.end_char]) for a, b in itertools.pairwise(segments)]
    assert min(shares) >= 10
    assert max(shares) <= 21


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"max_tokens": 0}, "`max_tokens` must be at least 1, got 0"),
        ({"max_tokens": 8, "overlap": 8}, "`overlap` must lie between 0 and `max_tokens` - 1 = 7, got 8"),
        ({"overlap": -1}, "`overlap` must lie between 0"),
    ],
)
def test_bad_arguments_are_named_before_the_first_segment(arguments, message):
    with pytest.raises(ValueError, match=message):
        segment("A text.", TOKENIZER, **arguments)
