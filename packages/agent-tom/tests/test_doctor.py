"""What is missing, and what is wrong with a model as an agent, is said with what to do about it."""

import importlib.metadata
import json

import pytest

from agent_tom.cli import main
from agent_tom.doctor import EXTRAS, examine
from agent_tom.prompting_cost import prompting_cost
from gpu_commons import load_model, model_findings
from gpu_commons.testing import hide_distributions

MODEL = "bundled:smollm2-135m-instruct"


def test_every_extra_is_said_to_be_for_something():
    assert EXTRAS.keys() == set(importlib.metadata.metadata("agent-tom").get_all("Provides-Extra"))


def test_without_a_model_the_installation_is_looked_at(capsys):
    assert main(["doctor", "--json", "true"]) == 0
    found = {row["what"]: row for row in json.loads(capsys.readouterr().out.splitlines()[-1])}

    assert not any(row["advice"] for name, row in found.items() if name[0] != "[")
    assert found["pettingzoo"]["found"] == importlib.metadata.version("pettingzoo")
    assert "model" not in found


def test_a_package_that_is_missing_and_needed_is_told_and_no_model_looked_at(monkeypatch, capsys):
    hide_distributions(monkeypatch, "gymnasium")
    assert main(["doctor", "--model", "./none"]) == 1

    said = capsys.readouterr()
    assert 'pip install "gymnasium>=' in said.out
    assert "./none" not in said.out
    assert "not ready because of gymnasium" in said.err


def test_a_model_that_cannot_be_loaded_is_not_ready(capsys):
    assert main(["doctor", "--model", "./none"]) == 1
    assert "no model folder at" in capsys.readouterr().out


def test_there_is_nothing_to_save_without_a_model(capsys):
    assert main(["doctor", "--save", "folder"]) == 2
    assert "`save` is 'folder'" in capsys.readouterr().err


@pytest.fixture(scope="module")
def loaded():
    return load_model(MODEL, dtype="float32")


@pytest.fixture
def once(loaded, monkeypatch):
    """The model is not loaded anew."""
    monkeypatch.setattr(model_findings, "load_model", lambda *_, **__: loaded)


@pytest.mark.real_model
@pytest.mark.slow
@pytest.mark.usefixtures("once")
def test_a_model_is_looked_at():
    findings = {finding.what: finding for finding in examine(MODEL)}
    assert findings["context"].found == "8192 tokens"
    assert findings["cache"].found == "every round is read once"
    assert findings["labels of 'neutral'"].found == "one token each"
    assert findings["labels of 'story'"].found == "of several tokens: leeks; all are scored as a whole"
    assert findings["chat template"].found == "yes"
    assert not findings["cached and anew"].advice
    assert findings["legal answers"].found.endswith("('qa', 'neutral')")


@pytest.mark.real_model
@pytest.mark.slow
def test_both_ways_to_prompt_give_the_same(loaded):
    cost = prompting_cost(loaded.model, loaded.tokenizer, rounds=3, episodes=2)
    assert cost.largest_difference < 1e-4
    assert cost.moves_that_differ == 0
    assert cost.anew_tokens > 2 * cost.cached_tokens


@pytest.mark.real_model
@pytest.mark.slow
@pytest.mark.usefixtures("once")
def test_the_command_saves_what_takes_long_to_convert(tmp_path, capsys):
    folder = str(tmp_path / "saved")
    assert main(["doctor", "--model", MODEL, "--save", folder, "--json", "true"]) == 0
    assert "legal answers" in {row["what"] for row in json.loads(capsys.readouterr().out.splitlines()[-1])}
    assert (tmp_path / "saved" / "model.safetensors").is_file()
