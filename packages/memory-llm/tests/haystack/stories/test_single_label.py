"""An answer is right if it names the target and no other label."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_llm.haystack.stories import names_only

ROOMS = ("bathroom", "bedroom", "garden", "hallway", "kitchen", "office")


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        ("garden", True),
        ("Mary is in the GARDEN", True),
        ("garden garden", True),
        ("the garden. Not the kitchen", True),
        ("the garden <context> the kitchen", True),
        ("the garden<example>kitchen", True),
        ("garden or kitchen", False),
        ("bathroom, bedroom, garden, hallway, kitchen, office", False),
        ("kitchen", False),
        ("I do not know", False),
        ("", False),
        (". garden", False),
    ],
)
def test_the_target_alone_is_right(answer, right):
    assert names_only(answer, "garden", "Where is Mary?", ROOMS) == right


def test_labels_of_the_question_are_ignored():
    question = "Where was the milk before the kitchen?"
    assert names_only("garden, before the kitchen", "garden", question, ROOMS)
    assert not names_only("kitchen", "garden", question, ROOMS)


def test_all_labels_of_a_target_of_several_are_needed():
    names = [f"X{number}" for number in range(20)]
    assert names_only("X1, X2", "X2 X1", "Which?", names)
    assert not names_only("X1", "X2 X1", "Which?", names)
    assert not names_only("X1, X2, X3", "X2 X1", "Which?", names)


def test_a_label_is_not_found_in_a_longer_number():
    assert names_only("12", "12", "Which?", ["1", "2", "12"])
    assert not names_only("X12", "X1", "Which?", ["X1", "X2"])


def as_babilong(answer, target, question, labels):
    """The rule of the official scorer, from its description: substrings, one target."""
    for end in (".", "<context>", "<example>"):
        answer = answer.lower().partition(end)[0]
    left = {label for label in labels if label in answer} - {label for label in labels if label in question.lower()}
    return left == {target}


PIECES = st.sampled_from(
    [*ROOMS, "Garden", "gardens", "kitchenette", " the ", ". ", " ", "<context>", "<example>", "?"]
)


@given(
    st.lists(PIECES, max_size=6).map("".join), st.sampled_from(ROOMS), st.lists(PIECES, max_size=2).map("".join)
)  # fmt: skip
def test_for_one_word_it_is_the_rule_of_babilong(answer, target, question):
    assert names_only(answer, target, question, ROOMS) == as_babilong(answer, target, question, ROOMS)


@pytest.mark.parametrize("target", ["moon", "garden moon", " "])
def test_a_target_that_is_no_label_is_named(target):
    with pytest.raises(ValueError, match=f"the target '{target}' is none of the labels bathroom, bedroom"):
        names_only("garden", target, "Where?", ROOMS)


def test_patterns_of_many_labels_are_made_once(monkeypatch):
    labels = [f"label{number}" for number in range(600)]  # more than `re` remembers
    made = []
    monkeypatch.setattr(re, "compile", lambda pattern, compiled=re.compile: made.append(pattern) or compiled(pattern))
    for answer in labels[:3]:
        assert names_only(answer, answer, "Which?", labels)
    assert len(made) == len(labels)
