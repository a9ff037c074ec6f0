"""What is missing, and which memories a model can have, is told with what to do."""

import pytest

from gpu_commons.doctor_contract import DoctorContract, diagnose
from gpu_commons.testing import tiny_model, tiny_tokenizer
from memory_llm.cli import main
from memory_llm.doctor import EXTRAS


class TestContract(DoctorContract):
    package, main, extras = "memory-llm", staticmethod(main), EXTRAS


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
    ended, found, said = diagnose(main, capsys, "--model", saved(family))
    memories = {name: found[name] for name in ("larimar", "epman", "epman train", "memreasoner")}

    assert {name for name, row in memories.items() if row["advice"]} == without
    assert ended == code
    assert ("not ready" in said) == bool(code)


def test_advice_is_that_of_the_memories_themselves(saved, capsys):
    found = diagnose(main, capsys, "--model", saved("gpt2"))[1]

    assert found["epman"]["advice"].endswith("use rope='stored'.")
    assert found["larimar"]["found"] == "its cache takes a prefix: 3 layers of 4 heads of width 8"
    assert found["context"]["found"] == "512 tokens"
