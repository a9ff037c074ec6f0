"""Metrics have the values that are worked out by hand, and lie between 0 and 1."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory_llm.long_questions.metrics import METRICS
from memory_llm.long_questions.tasks import OTHER, TASKS, task_of
from memory_llm.long_questions.words import answer_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The Ferry, at NOON!", ["ferry", "at", "noon"]),
        ("an a-b $5 theory", ["ab", "5", "theory"]),
        ("在1951年，他", ["在", "1951", "年", "他"]),
        ("", []),
    ],
)
def test_words_are_compared_as_squad_does_and_chinese_by_characters(text, words):
    assert answer_words(text) == words


@pytest.mark.parametrize(
    ("metric", "answer", "answers", "value"),
    [
        ("f1", "the red fox", ["a red dog runs"], 2 * 1 / (2 + 3)),
        ("f1", "red red", ["red"], 2 / 3),  # a word counts as often as it occurs in both
        ("f1", "noon", ["midnight", "at noon"], 2 / 3),
        ("f1", "", ["noon"], 0.0),
        ("recall", "it is Beethoven, the composer", ["Ludwig Beethoven"], 1 / 2),
        ("exact_match", "The noon.", ["Noon"], 1.0),
        ("exact_match", "at noon", ["noon"], 0.0),
        ("rouge_l", "the fox sleeps in sun", ["fox runs in the sun"], 2 * 3 / (5 + 5)),  # fox, in, sun
        ("rouge_l", "y x", ["x y"], 1 / 2),
        ("rouge_l", "", ["a b"], 0.0),
        ("all_strings", "1. Fox 2. dogs", ["fox", "dog", "hen"], 2 / 3),
        ("any_string", "a hen", ["fox", "HEN"], 1.0),
        ("any_string", "a cat", ["fox", "HEN"], 0.0),
        ("right_numbers", "Paragraph 12", ["Paragraph 12"], 1.0),
        ("right_numbers", "12 or 3", ["段落12"], 1 / 2),
        ("right_numbers", "none", ["3"], 0.0),
        ("right_letter", "B) because", ["B"], 1.0),
        ("right_letter", "The correct answer is **(C)**.", ["C"], 1.0),
        ("right_letter", "Because of A", ["B"], 0.0),
        ("right_letter", "A. The correct answer is (B)", ["B"], 1.0),
        ("right_letter", "A man says so", ["A"], 0.0),
        ("line_similarity", "# note\nabcd\nx", ["abce"], 6 / 8),
        ("needle", "it is 12345, not 99999", ["12345"], 1.0),
        ("needle", "it is 99999 or 12345", ["12345"], 0.0),
    ],
)
def test_known_values(question, metric, answer, answers, value):
    assert METRICS[metric](answer, question(*answers)) == pytest.approx(value)


def test_a_class_counts_by_the_number_of_classes_named(question):
    asked = question("Other location", classes=("location", "Other location", "City", "Person"))
    judge = METRICS["named_class"]
    assert judge("Other location", question("location", classes=asked.classes)) == 0.5  # both are named
    assert judge("Other location", asked) == 1.0  # "location" is part of the right one
    assert judge("City or Other location", asked) == 0.5
    assert judge("City", asked) == 0.0
    assert judge("nothing", asked) == 0.0


def test_keywords_open_the_gate_for_f1_and_function_words_do_not(question):
    judge = METRICS["keyword_f1"]
    asked = question("he was born in Jerez in 1919", answer_keywords="in Jerez 1919")
    assert judge("in the town of Jerez", asked) == METRICS["f1"]("in the town of Jerez", asked) > 0
    assert METRICS["f1"]("he was in", asked) > 0
    assert judge("he was in", asked) == 0.0
    assert judge("he was in", question("he was born in Jerez")) > 0  # no keywords, no gate
    chinese = question("北京大学", answer_keywords="北京大学")
    assert judge("北", chinese) == 0.0  # one of four is below 0.4
    assert judge("北京", chinese) == pytest.approx(2 * 2 / (2 + 4))
    assert judge("北", question("北京大学")) == 0.0  # Chinese answers are their own keywords


@settings(max_examples=40, deadline=None)
@given(answer=st.text(max_size=30), right=st.text(min_size=1, max_size=12).filter(lambda text: text.strip()))
def test_all_metrics_lie_between_0_and_1_and_f1_is_symmetric(question, answer, right):
    asked = question(right, classes=(right, "x"))
    for name in METRICS.keys() - {"needle"}:  # which refuses what holds no word, and has tests of its own
        assert 0 <= METRICS[name](answer, asked) <= 1, name
    assert METRICS["f1"](answer, asked) == METRICS["f1"](right, question(answer))


def test_every_task_has_known_metrics_and_variants_find_theirs():
    assert all(set(task.metrics) <= set(METRICS) for task in (*TASKS.values(), OTHER))
    assert task_of("niah_multikey_2") is task_of("niah_single_1") is TASKS["niah"]
    assert task_of("qa_2") is TASKS["qa"]
    assert task_of("2wikimqa").metrics == ("f1",)
    assert task_of("my own") is OTHER
