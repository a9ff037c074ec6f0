"""What is missing, and what cannot be steered or read, is told with what to do."""

import json

import pytest

from controlled_decoding.cli import main
from controlled_decoding.doctor import EXTRAS
from gpu_commons.doctor_contract import DoctorContract, diagnose
from gpu_commons.testing import tiny_model


class TestContract(DoctorContract):
    package, main, extras = "controlled-decoding", staticmethod(main), EXTRAS


@pytest.fixture
def saved(tmp_path, tokenizer):
    """Save a tiny model of a family."""

    def folder(family):
        tiny_model(family).save_pretrained(tmp_path / family)
        tokenizer.save_pretrained(tmp_path / family)
        return str(tmp_path / family)

    return folder


def test_a_model_that_can_be_steered(saved, capsys):
    code, found, _ = diagnose(main, capsys, "--model", saved("llama"))

    assert code == 0
    assert found["chat template"]["found"] == "yes"
    assert found["hidden state"]["found"].startswith("read at layer 3, after the final norm")
    assert found["other layers"]["found"] == "1 to 2 can be read"
    assert found["candidates"]["found"] == "share one cache"


def test_a_cache_that_cannot_be_cut_is_dearer_and_no_hindrance(saved, capsys):
    code, found, _ = diagnose(main, capsys, "--model", saved("gemma-sliding"))

    assert code == 0
    assert "DynamicSlidingWindowLayer" in found["candidates"]["found"]
    assert found["candidates"]["advice"] == "expect more memory and longer runs"


@pytest.mark.parametrize(
    ("second", "code", "told"),
    [
        ({"text": "b", "label": 0}, 0, "rows that would be read: 2, 1 desired and 1 undesired"),
        ({"text": "b"}, 1, "line 2"),
    ],
)
def test_labelled_texts_are_counted_or_the_wrong_line_is_named(tmp_path, capsys, second, code, told):
    file = tmp_path / "rows.jsonl"
    file.write_text("\n".join(map(json.dumps, [{"text": "a", "label": 1}, second])))
    ended, found, _ = diagnose(main, capsys, "--data", str(file))

    assert ended == code
    assert told in found["data"]["found"] + found["data"]["advice"]


def test_columns_are_named_as_for_fit(tmp_path, capsys):
    file = tmp_path / "rows.csv"
    file.write_text("comment,toxicity\na,0.9\nb,0.1\n")
    code, found, _ = diagnose(main, capsys, "--data", str(file), "--text", "comment", "--score", "toxicity")

    assert code == 0, found["data"]
