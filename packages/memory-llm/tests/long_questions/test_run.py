"""Every text is taken in once, a killed run goes on, and scores are averaged with intervals over texts."""

import json
import math

import numpy as np
import pytest

from memory_llm.long_questions import run_questions
from memory_llm.long_questions.interval import text_interval

SETTINGS = {"model": "tiny"}


@pytest.fixture
def questions(question):
    """Two questions about each of two texts, not in order, and one of another task."""
    cells = [("x", "one?"), ("y", "two?"), ("x", "three?"), ("y", "four?")]
    made = [question("red fox", id=asked, context=text, question=asked, level="4k") for text, asked in cells]
    return [
        *made,
        question("12", "34", task="niah", id="five?", context="x", question="five?", level="16k", cue="It is"),
    ]


ANSWERS = {"one?": "red fox", "two?": "red\nfox", "three?": "hen", "four?": "red fox", "five?": "12"}


def test_a_text_is_taken_in_once_for_all_its_questions(echo, questions):
    reader = echo(ANSWERS)
    result = run_questions(reader, questions, progress=False)
    assert reader.texts == ["x", "y"]
    assert [asked[:3] for asked in reader.asked] == [
        ("x", "one?", ""),
        ("x", "three?", ""),
        ("x", "five?", "It is"),
        ("y", "two?", ""),
        ("y", "four?", ""),
    ]
    assert [asked[3] for asked in reader.asked] == [128, 128, 128, 128, 128]
    assert [answer.answer for answer in result.answers] == [ANSWERS[one.question] for one in questions]
    scores = {(score.task, score.level): score.mean.value for score in result.scores}
    f1 = [1.0, 2 / 3, 0.0, 1.0]  # the second by its first line
    assert scores == {
        ("qasper", "all"): pytest.approx(np.mean(f1)),
        ("qasper", "4k"): pytest.approx(np.mean(f1)),
        ("niah", "all"): 0.5,
        ("niah", "16k"): 0.5,
    }
    table = result.to_markdown().splitlines()
    assert table[0] == "| task | metric | all | 4k | 16k |"
    assert table[2] == "| niah | all_strings | 0.500 | – | 0.500 |"
    assert table[3].startswith("| qasper | f1 | 0.667 [0.")
    assert json.loads(json.dumps([score.to_row() for score in result.scores]))[0]["low"] is None


def test_a_killed_run_goes_on_and_ends_with_the_same_bytes(echo, questions, tmp_path):
    whole = run_questions(echo(ANSWERS), questions, out=tmp_path / "whole", settings=SETTINGS, progress=False)
    short = {name: said for name, said in ANSWERS.items() if name != "two?"}
    with pytest.raises(KeyError):
        run_questions(echo(short), questions, out=tmp_path / "cut", settings=SETTINGS, progress=False)
    reader = echo(ANSWERS)
    again = run_questions(reader, questions, out=tmp_path / "cut", settings=SETTINGS, progress=False)
    assert reader.texts == ["y"]
    assert again.answers == whole.answers
    name = "answers.jsonl"
    assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    reader = echo(ANSWERS)
    run_questions(reader, questions, out=tmp_path / "cut", settings=SETTINGS, progress=False)
    assert reader.texts == []
    with pytest.raises(ValueError, match="holds answers under other settings .model: 'tiny' there, 'big' now"):
        run_questions(reader, questions, out=tmp_path / "cut", settings={"model": "big"}, progress=False)


def test_room_for_answers_is_part_of_the_question(echo, questions, tmp_path):
    run_questions(echo(ANSWERS), questions, out=tmp_path, progress=False)
    reader = echo(ANSWERS)
    run_questions(reader, questions, max_new_tokens=5, out=tmp_path, progress=False)
    assert {asked[3] for asked in reader.asked} == {5}
    assert len(reader.asked) == 5


def test_nothing_to_ask_is_refused(echo, questions):
    with pytest.raises(ValueError, match="`questions` is empty"):
        run_questions(echo({}), [])
    with pytest.raises(ValueError, match="`max_new_tokens` must be at least 1, got 0"):
        run_questions(echo({}), questions, max_new_tokens=0)


def test_questions_about_one_text_widen_the_interval():
    values = [1.0, 0.0] * 10
    apart = text_interval(values, [str(number) for number in range(20)])
    together = text_interval(np.repeat(values, 5).tolist(), [str(number) for number in range(20) for _ in range(5)])
    assert (together.value, together.num_facts) == (0.5, 100)
    # The same texts five times over say no more than once, whatever their number of questions.
    assert (together.low, together.high) == pytest.approx((apart.low, apart.high))
    uneven = text_interval([1.0, 1.0, 1.0, 0.0], ["a", "a", "a", "b"])
    assert (uneven.value, uneven.low, uneven.high) == (0.75, 0.0, 1.0)
    one = text_interval([1.0, 0.0], ["a", "a"])
    assert (one.value, math.isnan(one.low)) == (0.5, True)
    assert text_interval([], []).num_facts == 0


def test_timings_are_shared_out_over_the_questions_of_a_text(echo, questions, monkeypatch):
    clock = iter(range(100))
    monkeypatch.setattr("memory_llm.long_questions.run.time.perf_counter", lambda: float(next(clock)))
    result = run_questions(echo(ANSWERS), questions, progress=False)
    assert [timing.ingest_s for timing in result.timings] == pytest.approx([1 / 3, 1 / 2, 1 / 3, 1 / 2, 1 / 3])
    assert {timing.answer_s for timing in result.timings} == {1.0}
