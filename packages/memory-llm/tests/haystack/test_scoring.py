"""A pass key must be right digit by digit; a needle must come with all its words."""

import pytest

from memory_llm.haystack.scoring import is_correct


@pytest.mark.parametrize(
    ("answer", "expected", "right"),
    [
        (" 48213. Remember it.", "48213", True),
        ("key 12 is 48213", "48213", True),
        ("48214", "48213", False),
        ("11111 or 48213", "48213", False),
        ("482130", "48213", False),
        ("4821", "48213", False),
        ("48 213", "48213", False),
        ("", "48213", False),
        (" Flying\nPAPER, kites!", "flying paper kites", True),
        ("kites of paper, flying", "flying paper kites", True),
        ("flying kites", "flying paper kites", False),
        ("flying newspaper kites", "flying paper kites", False),
        ("", "haystack", False),
        ("in 123456 parts", "123456", True),
    ],
)
def test_answers_are_scored(answer, expected, right):
    assert is_correct(answer, expected) is right


def test_an_expected_answer_without_words_is_refused():
    with pytest.raises(ValueError, match=r"`expected` must hold a word or a number, got ' \.'"):
        is_correct("anything", " .")
