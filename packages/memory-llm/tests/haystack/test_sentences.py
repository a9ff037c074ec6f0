"""Sentences end where a reader of prose would end them, and spans leave out nothing but white space."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_llm.haystack.sentences import sentence_spans


def sentences(text):
    return [text[start:end] for start, end in sentence_spans(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
        ('"Is he?" cried she. "No."  He left.', ['"Is he?" cried she.', '"No."', "He left."]),
        ("Mr. Bennet and Mrs. Long met Dr. B. Grey. They spoke.", ["Mr. Bennet and Mrs. Long met Dr. B. Grey.", "They spoke."]),
        ("It was I. He knew.", ["It was I.", "He knew."]),
        ("Chapter 1\n\n\nA wrapped\nsentence. Next", ["Chapter 1", "A wrapped\nsentence.", "Next"]),
        ("Pi is 3.14 and e.g. e too. End.", ["Pi is 3.14 and e.g. e too.", "End."]),
        ("雨が降る。道は遠い。", ["雨が降る。", "道は遠い。"]),
        ("No mark at the end \n \n", ["No mark at the end"]),
        (" \n\t\n ", []),
        ("", []),
    ],
)  # fmt: skip
def test_sentences_end_where_prose_ends_them(text, expected):
    assert sentences(text) == expected


@given(st.text(alphabet=st.sampled_from("ab. !?\n\"M'r。…\t"), max_size=80))
def test_spans_are_in_order_and_leave_out_only_white_space(text):
    spans = sentence_spans(text)
    edges = [0, *(edge for span in spans for edge in span), len(text)]
    assert edges == sorted(edges)
    gaps = zip(edges[::2], edges[1::2], strict=True)
    assert not "".join(text[start:end] for start, end in gaps).strip()
    assert all(text[start:end] == text[start:end].strip() != "" for start, end in spans)


def test_a_long_sentence_is_cut_between_words_and_a_long_word_is_not():
    text = "One two three, four. A b. Incomprehensibilities are rare."
    spans = sentence_spans(text, longest=12)
    assert [text[start:end] for start, end in spans] == [
        "One two",
        "three, four.",
        "A b.",
        "Incomprehensibilities",
        "are rare.",
    ]


@given(st.text(alphabet=st.sampled_from("ab. !?\n"), max_size=80), st.integers(1, 12))
def test_bounded_spans_lose_nothing_and_hold_one_word_where_they_exceed(text, longest):
    parts = [text[start:end] for start, end in sentence_spans(text, longest=longest)]
    assert " ".join(parts).split() == text.split()
    assert all(len(part) <= longest or len(part.split()) == 1 for part in parts)


def test_an_impossible_bound_is_named():
    with pytest.raises(ValueError, match="`longest` must be at least 1 character, got 0"):
        sentence_spans("Text.", longest=0)
