"""Made questions hold their answers, are as long as asked, and are the same whatever else is made."""

import re
from collections import Counter

import pytest

from memory_llm.long_questions import MADE_TASKS, make_questions
from memory_llm.long_questions.metrics import METRICS
from memory_llm.long_questions.tasks import task_of


@pytest.fixture(scope="module")
def book():
    """Sentences of many different words."""
    letters = "abcdefghijklmnop"
    words = [f"{a}{b}{a}{c}" for a in letters for b in letters for c in letters[:8]]
    return " ".join(f"Here {words[n % len(words)]} meets {words[(n * 7) % len(words)]}." for n in range(len(words)))


@pytest.fixture(scope="module")
def made(book, tokenizer):
    return list(make_questions(book, tokenizer, lengths=[1000, 3000], per_cell=2, seed=5))


def test_all_tasks_and_lengths_are_made_and_nearly_as_long_as_asked(made, tokenizer):
    cells = Counter((question.task, question.length) for question in made)
    assert cells == {(task, length): 2 for task in MADE_TASKS for length in (1000, 3000)}
    for question in made:
        counted = len(tokenizer(question.context, add_special_tokens=False)["input_ids"])
        assert 0.85 * question.length <= counted <= question.length, question.id
        assert task_of(question.task).metrics == ("all_strings",)
        assert METRICS["all_strings"](" ".join(question.answers), question) == 1.0


def test_keys_have_the_values_asked_for_and_no_sentence_is_cut(made):
    for question in made:
        if not question.task.startswith("multi"):
            continue
        told = re.findall(r"The number of the (\w+ \w+) is (\d{7})\.", question.context)
        asked = {key for key, _ in told if f"the {key}" in question.question}
        assert len(told) == 4
        assert sorted(question.answers) == sorted(value for key, value in told if key in asked)
        assert len(question.answers) == (1 if question.task == "multi_key" else 4)
        assert len(asked) == (4 if question.task == "multi_query" else 1)
        rest = re.sub(r" ?The number of the \w+ \w+ is \d{7}\.", "", question.context)
        assert all(re.fullmatch(r"Here \w+ meets \w+", part.strip()) for part in rest.strip(" .").split("."))


def test_common_words_occur_six_times_and_others_once_in_a_short_list(made):
    for question in made:
        if question.task == "common_words":
            entries = re.findall(r"(\d+)\. (\w+)", question.context)
            assert [int(number) for number, _ in entries] == list(range(1, len(entries) + 1))
            counts = Counter(word for _, word in entries)
            assert {word for word, count in counts.items() if count == 6} == set(question.answers)
            assert set(counts.values()) == {6, 1}


def test_frequent_words_come_after_the_dots_in_order(made):
    for question in made:
        if question.task == "frequent_words":
            counts = Counter(question.context.split()).most_common(5)
            assert [word for word, _ in counts[:4]] == ["...", *question.answers]
            assert counts[3][1] > counts[4][1]


def test_a_question_does_not_depend_on_what_else_is_made(made, book, tokenizer):
    alone = list(make_questions(book, tokenizer, lengths=[3000], tasks=["multi_value"], per_cell=2, seed=5))
    assert alone == [one for one in made if (one.task, one.length) == ("multi_value", 3000)]
    other = list(make_questions(book, tokenizer, lengths=[3000], tasks=["multi_value"], per_cell=2, seed=6))
    assert {one.context for one in other}.isdisjoint(one.context for one in alone)


def test_what_cannot_be_made_is_refused(book, tokenizer):
    with pytest.raises(ValueError, match="got 'multi_keys'; did you mean 'multi_key'"):
        make_questions(book, tokenizer, lengths=[1000], tasks=["multi_keys"])
    with pytest.raises(ValueError, match="nothing to make of 5 tasks, 0 lengths"):
        make_questions(book, tokenizer, lengths=[])
    with pytest.raises(ValueError, match="different words, but the book has"):
        list(make_questions("The same old words again. " * 900, tokenizer, lengths=[1000], tasks=["common_words"]))
    with pytest.raises(ValueError, match="are too few for 3 words"):
        list(make_questions(book, tokenizer, lengths=[60], tasks=["frequent_words"]))
