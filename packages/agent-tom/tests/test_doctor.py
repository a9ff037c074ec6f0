"""What is wrong with a model as an agent is said, with what to do about it."""

import json

import pytest

from agent_tom.cli import main
from agent_tom.doctor import examine
from agent_tom.prompting_cost import prompting_cost
from gpu_commons import load_model

pytestmark = [pytest.mark.real_model, pytest.mark.slow]
MODEL = "bundled:smollm2-135m-instruct"


@pytest.fixture(scope="module")
def loaded():
    return load_model(MODEL, dtype="float32")


def test_a_model_is_looked_at(loaded):
    findings = {finding.what: finding for finding in examine(loaded.model, loaded.tokenizer)}
    assert findings["context"].found == "8192 tokens"
    assert findings["cache"].found == "every round is read once"
    assert findings["labels of 'neutral'"].found == "one token each"
    assert findings["labels of 'story'"].found == "of several tokens: leeks; all are scored as a whole"
    assert findings["chat template"].found == "yes"
    assert not findings["cached and anew"].advice
    assert findings["legal answers"].found.endswith("('qa', 'neutral')")


def test_both_ways_to_prompt_give_the_same(loaded):
    cost = prompting_cost(loaded.model, loaded.tokenizer, rounds=3, episodes=2)
    assert cost.largest_difference < 1e-4
    assert cost.moves_that_differ == 0
    assert cost.anew_tokens > 2 * cost.cached_tokens


def test_the_command_saves_what_takes_long_to_convert(loaded, tmp_path, capsys, monkeypatch):
    import gpu_commons

    monkeypatch.setattr(gpu_commons, "load_model", lambda *_, **__: loaded)
    folder = str(tmp_path / "saved")
    assert main(["doctor", "--model", MODEL, "--save", folder, "--json", "true"]) == 0
    assert len(json.loads(capsys.readouterr().out.splitlines()[-1])) == 9
    assert (tmp_path / "saved" / "model.safetensors").is_file()
