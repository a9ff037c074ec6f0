"""What is missing, and which memories a model can have, is told with what to do."""

import importlib.metadata
import json

import pytest

from gpu_commons.testing import hide_distributions, tiny_model, tiny_tokenizer
from memory_llm.cli import main
from memory_llm.doctor import EXTRAS


def doctor(capsys, *arguments):
    """Exit code, findings by name, and what is said beside them."""
    code = main(["doctor", *arguments, "--json", "true"])
    said = capsys.readouterr()
    return code, {row["what"]: row for row in json.loads(said.out.splitlines()[-1])}, said.err


def test_every_extra_is_said_to_be_for_something():
    assert EXTRAS.keys() == set(importlib.metadata.metadata("memory-llm").get_all("Provides-Extra"))


def test_a_whole_installation_is_ready(capsys):
    code, found, _ = doctor(capsys)

    assert code == 0
    assert found["torch"]["found"] == importlib.metadata.version("torch")
    assert not any(row["advice"] for name, row in found.items() if name[0] != "[")


def test_a_package_that_is_missing_and_needed_is_told_and_nothing_else_looked_at(monkeypatch, capsys):
    hide_distributions(monkeypatch, "transformers")
    code, found, said = doctor(capsys, "--model", "./none")

    assert code == 1
    assert found["transformers"]["found"] == "not installed"
    assert found["transformers"]["advice"].startswith('pip install "transformers>=')
    assert not {"model", "device"} & found.keys()
    assert "not ready because of transformers" in said


@pytest.fixture
def saved(tmp_path):
    """Save a tiny model of a family."""

    def folder(family):
        tiny_model(family).save_pretrained(tmp_path / family)
        tiny_tokenizer().save_pretrained(tmp_path / family)
        return str(tmp_path / family)

    return folder


@pytest.mark.parametrize(
    ("family", "code", "without"),
    [
        ("llama", 0, set()),
        ("gpt2", 0, {"epman"}),
        ("gemma-sliding", 0, {"larimar", "epman", "memreasoner"}),
        ("mamba", 1, {"larimar", "epman", "epman train", "memreasoner"}),
    ],
)
def test_each_memory_is_tried_and_a_model_without_any_is_not_ready(saved, capsys, family, code, without):
    ended, found, said = doctor(capsys, "--model", saved(family))
    memories = {name: found[name] for name in ("larimar", "epman", "epman train", "memreasoner")}

    assert {name for name, row in memories.items() if row["advice"]} == without
    assert ended == code
    assert ("not ready" in said) == bool(code)


def test_advice_is_that_of_the_memories_themselves(saved, capsys):
    found = doctor(capsys, "--model", saved("gpt2"))[1]

    assert found["epman"]["advice"].endswith("use rope='stored'.")
    assert found["larimar"]["found"] == "its cache takes a prefix: 3 layers of 4 heads of width 8"
    assert found["context"]["found"] == "512 tokens"
