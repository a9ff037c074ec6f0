"""``epman eval`` asks a benchmark's questions with each reader, goes on where it was, and leaves a table."""

import json

import pytest

from memory_llm.cli import main
from memory_llm.commands import epman_eval
from memory_llm.long_questions import LongQuestion, write_questions


@pytest.fixture
def tiny(monkeypatch, make_epman):
    """The tiny model in place of the bundled one."""
    monkeypatch.setattr(
        epman_eval, "build_model", lambda model, retriever, adapter, dtype, settings: make_epman(**settings)
    )


@pytest.fixture
def bench(tmp_path, document):
    fields = {"context": document, "task": "shortdep_qa", "length": 60}
    questions = [
        LongQuestion(id="1", question="what are roses?", answers=("red",), level="1k", **fields),
        LongQuestion(id="2", question="who jumps?", answers=("the fox",), level="1k", **fields),
        LongQuestion(id="3", question="who sleeps?", answers=("a model",), level="2k", **fields),
    ]
    return write_questions(questions, tmp_path / "bench.jsonl")


def run(capsys, *arguments):
    code = main(["epman", "eval", *(str(argument) for argument in arguments), "--json", "true"])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.mark.parametrize("reader", ["epman", "full-context", "retrieval"])
def test_a_bench_is_asked_and_scored(tiny, capsys, tmp_path, bench, reader):
    options = (
        "--bench",
        bench,
        "--out",
        tmp_path / "out",
        "--reader",
        reader,
        "--max_new_tokens",
        4,
        "--chunk_size",
        16,
    )
    code, out, _ = run(capsys, *options)
    rows = json.loads(out)
    assert code == 0
    assert [(row["length"], row["metric"], row["num_questions"]) for row in rows] == [
        (level, metric, count) for level, count in (("all", 3), ("1k", 2), ("2k", 1)) for metric in ("f1", "rouge_l")
    ]
    assert len((tmp_path / "out" / "answers.jsonl").read_text().splitlines()) == 3
    assert (tmp_path / "out" / "scores.md").read_text().startswith("| task | metric | all | 1k | 2k |")
    again = json.loads(run(capsys, *options)[1])
    assert [row["value"] for row in again] == [row["value"] for row in rows]
    assert len((tmp_path / "out" / "answers.jsonl").read_text().splitlines()) == 3


def test_lengths_and_counts_choose_questions_and_memories_are_kept(tiny, capsys, tmp_path, bench):
    options = ("--bench", bench, "--out", tmp_path / "out", "--lengths", "[1k]", "--count", 1, "--max_new_tokens", 2)
    code, out, _ = run(capsys, *options, "--chunk_size", 16, "--memory", tmp_path / "memories")
    assert code == 0
    assert {(row["length"], row["num_questions"]) for row in json.loads(out)} == {("all", 1), ("1k", 1)}
    assert len(list((tmp_path / "memories").iterdir())) == 1


def test_made_questions_need_no_file(tiny, capsys, tmp_path, monkeypatch, document):
    monkeypatch.setattr("memory_llm.haystack.bundled_book", lambda: document.replace(". ", ". The ") * 30)
    options = ("--bench", "made", "--out", tmp_path / "out", "--lengths", "[400]", "--tasks", "[multi_key]")
    code, out, _ = run(capsys, *options, "--max_new_tokens", 2, "--chunk_size", 32)
    assert code == 0
    assert {(row["task"], row["length"]) for row in json.loads(out)} == {("multi_key", "all"), ("multi_key", "1k")}


def test_bad_input_gets_one_sentence_and_code_2(tiny, capsys, tmp_path, bench):
    for options, message in (
        (("--bench", tmp_path / "none" / "x"), "no file and no folder at"),
        (("--bench", bench, "--lengths", "[256k]"), "it has the tasks shortdep_qa and the lengths 1k, 2k"),
        (("--bench", bench, "--count", 0), "`count` must be at least 1, got 0"),
        (("--bench", "made", "--lengths", "[long]"), "`lengths` must be numbers of tokens as 4096 or 4k, got 'long'"),
        (("--bench", bench, "--reader", "retrieval", "--memory", tmp_path), "`memory` is for the reader epman"),
    ):
        code, _, err = run(capsys, "--out", tmp_path / "out", *options)
        assert code == 2
        assert message in err


def test_lengths_are_tokens_or_thousands_of_them():
    assert [epman_eval.tokens_of(length) for length in ("4096", "4k", "16K")] == [4096, 4096, 16384]
