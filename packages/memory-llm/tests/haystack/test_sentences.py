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
