"""What is missing, and what is wrong with a model as an agent, is said with what to do about it."""

import json

import pytest

from agent_tom.cli import main
from agent_tom.doctor import EXTRAS, examine
from agent_tom.prompting_cost import prompting_cost
from gpu_commons import load_model, model_findings
from gpu_commons.doctor_contract import DoctorContract

MODEL = "bundled:smollm2-135m-instruct"


class TestContract(DoctorContract):
    package, main, extras = "agent-tom", staticmethod(main), EXTRAS
    needed = "gymnasium"


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
    assert "legal answers" in {row["what"] for row in json.loads(capsys.readouterr().out)}
    assert (tmp_path / "saved" / "model.safetensors").is_file()
