"""Stories are trained on, judged and asked from the command line."""

import json

import pytest

from memory_llm.cli import main
from memory_llm.haystack.stories import write_stories
from memory_llm.memreasoner import small, train_memreasoner

TEXT = "Mary went to the kitchen. John went to the garden.\nMary went to the office."


def run(capsys, *arguments):
    code = main(["memreasoner", *(str(argument) for argument in arguments)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.fixture
def data(stories, tmp_path):
    return write_stories(stories, tmp_path / "stories.jsonl")


@pytest.fixture
def trained(make_small, stories, tmp_path, capsys):
    settings = {"disable_tqdm": True, "save_strategy": "no", "logging_steps": 1000, "learning_rate": 1e-2}
    train_memreasoner(make_small(num_hops=1), stories, tmp_path / "model", steps=80, batch_size=4, **settings)
    capsys.readouterr()
    return tmp_path / "model"


def test_a_model_is_trained_from_scratch(capsys, data, tmp_path, monkeypatch):
    original = small.small_memreasoner
    monkeypatch.setattr(small, "small_memreasoner", lambda *a, **k: original(*a, width=16, **k))
    lines = tmp_path / "lines.txt"
    lines.write_text("Mary went to the library.\n\nJohn went to the park.\n")
    arguments = ("--steps", 3, "--auxiliary", f"[{lines}]", "--answer_prompt", "went to the", "--json", "true")
    code, out, _ = run(capsys, "train", "--data", data, "--out", tmp_path / "out", *arguments)
    assert (code, json.loads(out)["stories"]) == (0, 2)
    again = json.loads(run(capsys, "eval", "--model", tmp_path / "out", "--data", f"[{data}]", "--json", "true")[1])
    assert [row["stories"] for row in again] == [2]


def test_a_model_is_judged(capsys, data, trained):
    code, out, _ = run(capsys, "eval", "--model", trained, "--data", f"[{data}]", "--json", "true")
    (row,) = json.loads(out)
    assert (code, row["exact_match"], row["added_lines"]) == (0, 1.0, 0)
    shifted = ("--answer_shift", "unseen", "--json", "true")
    (row,) = json.loads(run(capsys, "eval", "--model", trained, "--data", f"[{data}]", *shifted)[1])
    assert row["exact_match"] == 0.0  # words that are in no vocabulary
    assert "hop_1=" in run(capsys, "eval", "--model", trained, "--data", f"[{data}]")[1]


def test_longer_stories_are_judged_in_rows(capsys, data, trained, tmp_path):
    book = tmp_path / "book.txt"
    book.write_text(
        "Once the fox was red all day. " * 4 + "Some roses were in the sun then. A hen sat by the old wall."
    )
    adding = ("--lengths", "[0,5]", "--filler", book, "--json", "true")
    rows = json.loads(run(capsys, "eval", "--model", trained, "--data", f"[{data}]", *adding)[1])
    assert [row["added_lines"] for row in rows] == [0, 5]


def test_a_text_is_asked_with_a_trace(capsys, trained, tmp_path):
    story = tmp_path / "story.txt"
    story.write_text(TEXT)
    asking = ("ask", "--model", trained, "--story", story, "--question", "Where is Mary?")
    code, out, _ = run(capsys, *asking)
    assert (code, out.strip()) == (0, "office")
    found = json.loads(run(capsys, *asking, "--trace", "true", "--json", "true")[1])
    assert found["answer"] == "office"
    (hop,) = found["hops"]
    assert hop["text"] == TEXT.replace("\n", " ").split(". ")[hop["line"]].rstrip(".") + "."
    assert f"line={hop['line']}" in run(capsys, *asking, "--trace", "true")[1]


def test_bad_input_gets_one_sentence_and_code_2(capsys, data, trained, tmp_path):
    for arguments, message in (
        (("ask", "--model", tmp_path / "none", "--story", data, "--question", "q"), "no model in"),
        (("train", "--data", data, "--out", tmp_path / "o", "--encoder", "bert"), "give both `encoder` and `decoder`"),
        (("train", "--data", data, "--out", tmp_path / "o", "--auxiliary", "[none.txt]"), "no file at"),
        (("train", "--data", data, "--out", tmp_path / "o", "--label_fraction", 2, "--steps", 1), "must be in [0, 1]"),
        (("eval", "--model", trained, "--data", "[none.jsonl]"), "none.jsonl"),
    ):
        if arguments[0] == "ask":
            tmp_path.joinpath("story.txt").write_text(TEXT)
            arguments = tuple(tmp_path / "story.txt" if part == data else part for part in arguments)
        code, out, err = run(capsys, *arguments)
        assert (code, out) == (2, "")
        assert message in err
        assert not (tmp_path / "o").exists()
