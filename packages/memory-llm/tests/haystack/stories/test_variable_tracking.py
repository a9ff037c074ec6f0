"""Chains are whole, in order among the others, and lead from the question to the answer."""

import re

import pytest

from memory_llm.haystack.sentences import sentence_spans
from memory_llm.haystack.stories import variable_tracking

LINE = re.compile(r"VAR (X\d+) = (?:VAR )?(X?\d+)\.")


def sources(story):
    return dict(LINE.fullmatch(line).groups() for line in story.lines)


def value_of(name, told):
    while name in told:
        name = told[name]
    return name


def test_support_leads_from_the_asked_variable_back_to_its_value():
    for story in variable_tracking(200, num_chains=4, num_hops=3):
        name = re.fullmatch(r"What is the value of VAR (X\d+)\?", story.question)[1]
        for number in story.support:
            variable, source = LINE.fullmatch(story.lines[number]).groups()
            assert variable == name
            name = source
        assert name == story.answer
        assert len(story.support) == 3


def test_all_variables_of_a_value_are_the_answer():
    for story in variable_tracking(200, num_chains=4, num_hops=3, asked="variables"):
        value = re.fullmatch(r"Which variables have the value (\d+)\?", story.question)[1]
        told = sources(story)
        assert set(story.answer.split()) == {name for name in told if value_of(name, told) == value}
        assert [LINE.fullmatch(story.lines[number])[1] for number in story.support] == story.answer.split()


@pytest.mark.parametrize("asked", ["value", "variables"])
def test_every_variable_is_told_once_and_after_its_source(asked):
    for story in variable_tracking(50, num_chains=5, num_hops=4, asked=asked):
        seen = set()
        for line in story.lines:
            name, source = LINE.fullmatch(line).groups()
            assert source.isdecimal() or source in seen
            assert name not in seen
            seen.add(name)
        told = sources(story)
        assert len(story.lines) == 20
        assert len({value_of(name, told) for name in told}) == 5


def test_chains_are_mixed():
    """Of ten chains of two lines, a line follows its own source directly in one case of ten or so."""
    stories = list(variable_tracking(300))
    direct = sum(abs(story.support[0] - story.support[1]) == 1 for story in stories)
    assert 0.03 < direct / len(stories) < 0.2


def test_values_come_from_those_given_so_that_others_can_be_held_out():
    drawn = {story.answer for story in variable_tracking(300, num_chains=3, values=[7, 8, 9, 9])}
    assert drawn == {"7", "8", "9"}


def test_a_story_is_the_same_whatever_the_count_and_another_with_another_seed():
    assert list(variable_tracking(3, seed=1)) == list(variable_tracking(9, seed=1))[:3]
    assert list(variable_tracking(3, seed=1)) != list(variable_tracking(3, seed=2))


def test_lines_of_a_joined_text_are_found_again():
    (story,) = variable_tracking(1)
    text = " ".join(story.lines)
    assert [text[start:end] for start, end in sentence_spans(text)] == list(story.lines)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"count": 0}, "`count`, `num_chains` and `num_hops` must be at least 1, got 0, 10 and 2"),
        ({"count": 1, "num_hops": 0}, "got 1, 10 and 0"),
        ({"count": 1, "num_hops": 11}, "10 chains of 11 lines need 110 names, but there are 100"),
        ({"count": 1, "values": [5, 5]}, "`values` must hold 10 different ones, one a chain, got 1"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        variable_tracking(**arguments)
