"""Filler is whole sentences of bounded length, and no sentence is in training and in tests."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_llm.haystack.sentences import sentence_spans
from memory_llm.haystack.stories.filler import Filler, filler_sentences, split_filler

BOOK = "".join(f"Sentence {number} tells of the\nsea.  " for number in range(50))


def test_the_first_sentences_are_for_training_and_the_last_for_tests():
    filler = split_filler(BOOK, test_share=0.3)
    assert filler.train + filler.test == tuple(f"Sentence {number} tells of the sea." for number in range(50))
    assert len(filler.test) == 15


def test_a_sentence_of_both_parts_is_left_out_of_the_tests_whatever_its_case_and_marks():
    filler = split_filler("What do you mean? " + BOOK + '"What do you mean!" ' + "And so it ends.")
    assert "What do you mean?" in filler.train
    assert filler.test[-2:] == ("Sentence 49 tells of the sea.", "And so it ends.")


def test_bounds_of_words_hold():
    text = "One two. One two three. One two three four. One two three four five."
    assert filler_sentences(text, least_words=3, most_words=4) == ["One two three.", "One two three four."]


def test_headings_and_what_begins_in_lower_case_are_left_out():
    text = "The third long chapter\n\nthis is a broken one.\n\nThis one is whole."
    assert filler_sentences(text) == ["This one is whole."]


@given(st.text(alphabet=st.sampled_from("abAB .!?\n\"'M"), max_size=200))
def test_joined_filler_is_split_into_the_same_sentences(text):
    sentences = filler_sentences(text, least_words=1)
    joined = " ".join(sentences)
    assert [joined[start:end] for start, end in sentence_spans(joined)] == sentences


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"train": ("The sea is wide.",), "test": ("The sea is WIDE!",)}, "'The sea is WIDE!' is a sentence of training"),
        ({"train": ("The sea is wide.",), "test": ()}, "got 1 and 0; give a longer text"),
    ],
)  # fmt: skip
def test_shared_and_missing_sentences_are_refused(parts, message):
    with pytest.raises(ValueError, match=message):
        Filler(**parts)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"test_share": 1.0}, "`test_share` must lie between 0 and 1, got 1.0"),
        ({"least_words": 9, "most_words": 8}, "`least_words` must lie between 1 and `most_words`, got 9 and 8"),
        ({"least_words": 0}, "got 0 and 14"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        split_filler(BOOK, **arguments)
