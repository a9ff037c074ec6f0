"""What is missing, and what cannot be trained or read, is told with what to do."""

import pytest

from gpu_commons.doctor_contract import DoctorContract, diagnose
from gpu_commons.table_rows import write_rows
from safe_finetune.cli import main
from safe_finetune.doctor import EXTRAS


class TestContract(DoctorContract):
    package, main, extras = "safe-finetune", staticmethod(main), EXTRAS


@pytest.fixture
def saved(tmp_path, make_model, tokenizer):
    """Folder of a tiny model."""
    make_model().save_pretrained(tmp_path / "model")
    tokenizer.save_pretrained(tmp_path / "model")
    return str(tmp_path / "model")


GOOD = {"prompt": "a", "response": "b"}


@pytest.mark.parametrize(
    ("records", "what", "told"),
    [
        ([GOOD, {"prompt": "a", "response": ""}], "data", "line 2"),
        ([GOOD, {"prompt": "a " * 3000, "response": "b"}], "rows", "line 2: 0 tokens of the response are left"),
    ],
)
def test_rows_that_cannot_be_trained_on_are_named(saved, tmp_path, capsys, records, what, told):
    write_rows(records, tmp_path / "rows.jsonl")
    code, found, said = diagnose(main, capsys, "--model", saved, "--data", str(tmp_path / "rows.jsonl"))

    assert code == 1
    assert told in found[what]["advice"]
    assert f"not ready because of {what};" in said


def test_a_model_and_rows_that_fit_are_told(saved, tmp_path, capsys):
    write_rows([GOOD, {**GOOD, "is_safe": False}], tmp_path / "rows.jsonl")
    code, found, _ = diagnose(main, capsys, "--model", saved, "--data", str(tmp_path / "rows.jsonl"))

    assert code == 0
    assert found["data"]["found"] == "rows that would be read: 2, 1 of them labelled unsafe"
    assert found["rows"]["found"].startswith("in the model's tokens, the longest row has ")
    assert found["LoRA"]["found"].startswith("of rank 16 on 7 linear layers, ")


def test_rows_need_a_chat_template(saved, tmp_path, tokenizer, capsys):
    (tmp_path / "model" / "chat_template.jinja").unlink()
    write_rows([GOOD], tmp_path / "rows.jsonl")
    code, found, _ = diagnose(main, capsys, "--model", saved, "--data", str(tmp_path / "rows.jsonl"))

    assert code == 1
    assert found["chat template"]["found"] == "none"
    assert "`chat_template`" in found["chat template"]["advice"]
    assert "no chat template" in found["rows"]["advice"]


def test_a_model_that_cannot_be_loaded_leaves_the_rows_to_be_looked_at(tmp_path, capsys):
    write_rows([GOOD], tmp_path / "rows.jsonl")
    code, found, _ = diagnose(main, capsys, "--model", "./none", "--data", str(tmp_path / "rows.jsonl"))

    assert code == 1
    assert found["model"]["advice"].startswith("no model folder at")
    assert found["data"]["found"] == "rows that would be read: 1"
