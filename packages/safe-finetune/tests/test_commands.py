"""Rows are scored, selected and trained on from the command line, and a missed budget is exit code 3."""

import json
import re

import pytest
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from gpu_commons.table_rows import read_rows, write_rows
from safe_finetune.cli import main
from safe_finetune.selection import SelectorScores

QUICK = ["--epochs", "1", "--batch_size", "4", "--device", "cpu", "--dtype", "float32"]


@pytest.fixture
def files(tmp_path, make_model, tokenizer, make_rows):
    """Paths of a tiny model and of two files of rows."""
    make_model().save_pretrained(tmp_path / "model")
    tokenizer.save_pretrained(tmp_path / "model")
    for name, count in (("data", 12), ("safe", 5)):
        write_rows((row.as_record() for row in make_rows(count, prefix=name)), tmp_path / f"{name}.jsonl")
    return {
        name: str(tmp_path / file)
        for name, file in (("model", "model"), ("data", "data.jsonl"), ("safe", "safe.jsonl"))
    }


@pytest.mark.parametrize("method", ["seal", "random", "loss", "safe-tuned-loss", "excess-loss", "gradients", "dsir"])
def test_scores_of_each_method_select_rows(files, tmp_path, capsys, method):
    scores, kept = str(tmp_path / "scores.parquet"), str(tmp_path / "kept.jsonl")
    arguments = [part for name, value in files.items() for part in (f"--{name}", value)]
    settings = ["--method", method, "--lora_rank", "2", *QUICK]
    assert main(["score", *arguments, *settings, "--out", scores, "--json", "true"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"] == 12
    assert SelectorScores.load(scores).metadata["method"]
    assert main(["select", "--scores", scores, "--data", files["data"], "--keep", "0.5", "--out", kept]) == 0
    assert len(list(read_rows(kept))) == 6


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ([], 0),
        (["--safety_data", "safe", "--budget", "100"], 0),
        (["--safety_data", "safe", "--budget", "0.001", "--safety_weight", "0"], 3),
        (["--relative_radius", "0.01"], 0),
    ],
)
@pytest.mark.parametrize("rank", [0, 2])
def test_training_keeps_its_budget_or_says_so(files, tmp_path, capsys, settings, code, rank):
    settings = [files.get(part, part) for part in settings]
    out = tmp_path / "out"
    arguments = ["--model", files["model"], "--data", files["data"], "--out", str(out), "--lora_rank", str(rank)]
    assert main(["train", *arguments, *settings, *QUICK, "--json", "true"]) == code
    said = capsys.readouterr()
    result = json.loads(said.out)
    assert ("safety_loss" in result) == ("--safety_data" in settings)
    assert ("distance" in result) == ("--relative_radius" in settings)
    assert ("its budget 0.0010" in said.err) == (code == 3)
    if rank:
        assert (out / "adapter_config.json").is_file()
    else:
        AutoModelForCausalLM.from_pretrained(out)


GOOD = {"prompt": "a", "response": "b"}


@pytest.mark.parametrize("verb", ["score", "train", "sweep"])
@pytest.mark.parametrize(
    ("records", "message"),
    [
        ([], "bad.jsonl: there are no rows"),
        ([GOOD, {"prompt": "a", "response": ""}], "bad.jsonl, line 2: .* is empty"),
        ([GOOD, {"prompt": "a " * 600, "response": "b"}], "bad.jsonl, line 2: 0 tokens of the response are left"),
        ([{**GOOD, "id": 1}, {**GOOD, "id": 1}], "bad.jsonl, line 2: has the id of .*bad.jsonl, line 1"),
        ([{**GOOD, "is_safe": False}], "bad.jsonl: all 1 rows are labelled unsafe"),
    ],
)
def test_rows_that_cannot_be_learnt_are_named_and_nothing_is_left(files, tmp_path, capsys, verb, records, message):
    write_rows(records, tmp_path / "bad.jsonl")
    before, bad, out = {*tmp_path.iterdir()}, str(tmp_path / "bad.jsonl"), str(tmp_path / "out.parquet")
    arguments = ["--model", files["model"], "--data", files["data"], "--max_length", "512", "--out", out]
    arguments += {
        "score": ["--safe", bad],
        "train": ["--safety_data", bad],
        "sweep": ["--by", "radius", "--strengths", "[1]", "--task_test", files["data"], "--safety_test", bad],
    }[verb]
    assert main([verb, *arguments, *QUICK]) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert re.match(f"safe-finetune: .*{message}", said)
    assert {*tmp_path.iterdir()} == before


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["--radius", "0"], "`radius` must be positive, got 0.0"),
        (["--relative_radius", "-1"], "`relative_radius` must be positive, got -1.0"),
        (["--safety_data", "safe", "--budget", "0"], "`safety_budget` must be positive, got 0.0"),
        (["--lora_rank", "-2"], "`lora_rank` must not be negative, got -2"),
    ],
)
def test_bounds_that_cannot_be_are_named_and_nothing_is_left(files, tmp_path, capsys, settings, message):
    before = {*tmp_path.iterdir()}
    settings = [files.get(part, part) for part in settings]
    arguments = ["--model", files["model"], "--data", files["data"], "--out", str(tmp_path / "out")]
    assert main(["train", *arguments, *settings, *QUICK]) == 2
    assert message in capsys.readouterr().err
    assert {*tmp_path.iterdir()} == before


def test_a_damaged_model_trains_nothing(files, tmp_path, capsys):
    file = tmp_path / "model" / "model.safetensors"
    parts = load_file(file)
    parts["lm_head.weight"][:] = float("nan")
    save_file(parts, file, metadata={"format": "pt"})
    for settings in ([], ["--safety_data", files["safe"]]):
        arguments = ["--model", files["model"], "--data", files["data"], "--out", str(tmp_path / "out"), *settings]
        assert main(["train", *arguments, *QUICK]) == 2
        assert "jsonl, line " in (said := capsys.readouterr().err.splitlines()[-1])
        assert "the loss is not finite" in said
    assert not list(tmp_path.rglob("*/checkpoint-*"))
    assert not list(tmp_path.glob("out/*.safetensors"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["score", "--model", "m", "--data", "d", "--safe", "s", "--out", "o.csv"], "`out` must end in .parquet"),
        (
            ["train", "--model", "m", "--data", "d", "--out", "o", "--budget", "low"],
            "`budget` must be a number, or start",
        ),
        (["select", "--scores", "none.parquet", "--data", "none.jsonl", "--out", "o.jsonl"], "no file at"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(arguments, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.startswith("safe-finetune: ")
    assert not list(tmp_path.iterdir())
