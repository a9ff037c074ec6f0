"""Stories are made, diluted and exported by the functions behind the command line."""

import json

import pytest

from gpu_commons.cli import run_verbs
from gpu_commons.testing import tiny_tokenizer
from memory_llm.commands import stories as commands
from memory_llm.haystack.stories import (
    SHIFTED_LOCATIONS,
    read_babilong,
    read_stories,
    variable_tracking,
    where_is_actor,
    where_is_object,
)

SAMPLE = "".join(f"Sentence {number} speaks of rain and of nothing else today. " for number in range(60))


@pytest.fixture
def book(tmp_path):
    path = tmp_path / "book.txt"
    path.write_text(SAMPLE)
    return str(path)


@pytest.fixture
def facts(tmp_path, capsys):
    path = tmp_path / "facts.jsonl"
    commands.make_data(str(path), task="2", n=6, most_facts=10)
    capsys.readouterr()
    return str(path)


def test_data_are_the_stories_of_the_task(tmp_path, capsys):
    places = tmp_path / "places.txt"
    places.write_text("\n".join(SHIFTED_LOCATIONS))
    made = {
        "one.txt": ({"task": "1", "seed": 3}, where_is_actor(12, seed=3)),
        "two.jsonl": ({"task": "2", "most_facts": 8}, where_is_object(12, most_facts=8)),
        "shifted.jsonl": ({"locations": str(places)}, where_is_actor(12, locations=SHIFTED_LOCATIONS)),
        "vt.jsonl": ({"task": "vt", "chains": 3, "hops": 4}, variable_tracking(12, num_chains=3, num_hops=4)),
    }
    for name, (options, expected) in made.items():
        out = tmp_path / name
        commands.make_data(str(out), n=12, json=True, **options)
        assert json.loads(capsys.readouterr().out) == {"saved": str(out), "stories": 12}
        assert read_stories(out) == list(expected)


def test_stories_are_diluted_by_lines_with_sentences_of_the_part_asked_for(tmp_path, facts, book):
    told = read_stories(facts)
    numbers = {}
    for part in ("train", "test"):
        out = tmp_path / part
        commands.dilute_stories(facts, str(out), lengths="0,30", unit="lines", filler=book, part=part)
        assert read_stories(out / "0.jsonl") == told
        diluted = read_stories(out / "30.jsonl")
        assert [len(long.lines) - len(short.lines) for long, short in zip(diluted, told, strict=True)] == [30] * 6
        lines = {line for story in diluted for line in story.lines if line.startswith("Sentence")}
        numbers[part] = {int(line.split()[1]) for line in lines}
    assert max(numbers["train"]) < 48 <= min(numbers["test"])


def test_stories_are_diluted_by_tokens_and_exported(tmp_path, monkeypatch, facts, book):
    tokenizer = tiny_tokenizer()
    monkeypatch.setattr(commands, "load_tokenizer", lambda source: tokenizer)
    out, rows = tmp_path / "long", tmp_path / "rows"
    commands.dilute_stories(facts, str(out), lengths="0k,2k", filler=book)
    for story in read_stories(out / "2k.jsonl"):
        assert len(tokenizer(" " + " ".join(story.lines), add_special_tokens=False)["input_ids"]) in (1699, 1700)
    commands.export_babilong(str(out), str(rows))
    assert sorted(file.name for file in rows.iterdir()) == ["0k.json", "2k.json"]
    assert [story.lines for story in read_babilong(rows / "0k.json")] == [story.lines for story in read_stories(facts)]
    commands.export_babilong(facts, str(tmp_path / "one.json"))
    assert (tmp_path / "one.json").read_text() == (rows / "0k.json").read_text()


def test_the_command_line_reads_the_options(tmp_path, capsys, book):
    """Tasks and lengths may look like numbers and are none."""
    verbs = {"make-data": commands.make_data, "haystack": commands.dilute_stories}
    facts, out = tmp_path / "facts.jsonl", tmp_path / "out"

    def run(*arguments):
        return run_verbs(verbs, command="stories", version="0", arguments=[str(argument) for argument in arguments])

    assert run("make-data", "--task", 2, "--n", 5, "--out", facts) == 0
    assert read_stories(facts) == list(where_is_object(5))
    options = ("--facts", facts, "--out", out, "--filler", book, "--unit", "lines")
    assert run("haystack", *options, "--lengths", "0,30,1k") == 0
    assert sorted(file.name for file in out.iterdir()) == ["0.jsonl", "1k.jsonl", "30.jsonl"]
    capsys.readouterr()
    assert run("haystack", *options, "--lengths", 20) == 0
    assert (out / "20.jsonl").is_file()
    capsys.readouterr()
    assert run("haystack", *options, "--lengths", "4kb") == 2
    assert capsys.readouterr().err == "stories: `lengths` must be numbers such as 300, 16k or 1M, got '4kb'.\n"


def test_bad_input_is_named(tmp_path, facts):
    with pytest.raises(ValueError, match="`lengths` must be numbers such as 300, 16k or 1M, got '4kb'"):
        commands.dilute_stories(facts, str(tmp_path / "out"), lengths="4kb")
    with pytest.raises(ValueError, match="`locations` and `most_facts` belong to tasks 1 and 2"):
        commands.make_data(str(tmp_path / "vt.jsonl"), task="vt", most_facts=5)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="empty holds no .jsonl file of stories"):
        commands.export_babilong(str(tmp_path / "empty"), str(tmp_path / "rows"))
