"""Sweeps leave points that can be gone on from and drawn together; the look before training says what decides."""

import json

import pytest

from gpu_commons.table_rows import write_rows
from safe_finetune.cli import main
from safe_finetune.frontier import Axis, Frontier
from safe_finetune.sweeps import PointStore

QUICK = ["--batch_size", "4", "--lora_rank", "2", "--device", "cpu", "--dtype", "float32", "--learning_rate", "0.01"]


@pytest.fixture
def files(tmp_path, make_model, tokenizer, make_rows):
    for seed, name in enumerate(("model", "expert")):
        make_model(seed).save_pretrained(tmp_path / name)
        tokenizer.save_pretrained(tmp_path / name)
    for name, count in (("data", 12), ("safe", 12)):
        rows = make_rows(count, prefix=name, answer="the {} is {}" if name == "data" else "day {1} sun {0}")
        write_rows((row.as_record() for row in rows), tmp_path / f"{name}.jsonl")
    return tmp_path


def sweep_of(files, by, strengths, *more):
    tests = ["--task_test", f"{files}/data.jsonl", "--safety_test", f"{files}/safe.jsonl"]
    arguments = ["--model", f"{files}/model", "--by", by, "--strengths", json.dumps(strengths)]
    return ["sweep", *arguments, *tests, "--out", f"{files}/{by}", *more, *QUICK, "--json", "true"]


def test_stronger_penalties_are_safer_and_smaller_radii_too(files, capsys):
    train = ["--data", f"{files}/data.jsonl", "--epochs", "8"]
    assert main(sweep_of(files, "safety_weight", [0.0, 5.0], *train, "--safety_data", f"{files}/safe.jsonl")) == 0
    weak, strong = json.loads(capsys.readouterr().out)
    assert strong["safety"] < weak["safety"]
    assert main(sweep_of(files, "relative_radius", [0.001, 0.5], *train)) == 0
    near, far = json.loads(capsys.readouterr().out)
    assert far["capability"] < near["capability"]
    page = files / "both.html"
    both = [str(files / name / "frontier.json") for name in ("safety_weight", "relative_radius")]
    assert main(["report", "--frontiers", json.dumps(both), "--out", str(page)]) == 0
    assert "relative_radius" in page.read_text()


def test_rows_are_kept_by_their_scores(files, capsys):
    scores = str(files / "scores.parquet")
    rows = ["--data", f"{files}/data.jsonl"]
    arguments = ["--model", f"{files}/model", *rows, "--safe", f"{files}/safe.jsonl", "--method", "random"]
    assert main(["score", *arguments, "--out", scores, "--device", "cpu", "--dtype", "float32"]) == 0
    capsys.readouterr()
    assert main(sweep_of(files, "keep", [0.5, 1.0], *rows, "--scores", scores, "--epochs", "8")) == 0
    half, whole = json.loads(capsys.readouterr().out)
    start = 6.0  # about the loss of random weights over 320 tokens
    assert half["capability"] < start - 1
    assert whole["capability"] < start - 1
    assert half != whole


def test_a_sweep_over_alphas_ends_at_its_parents_and_goes_on(files, capsys, monkeypatch):
    arguments = sweep_of(files, "alpha", [0.0, 0.5, 1.0], "--domain", f"{files}/expert")
    assert main(arguments) == 0
    first = json.loads(capsys.readouterr().out)
    monkeypatch.setattr(PointStore, "point", _only_what_is_there(PointStore.point))
    assert main(arguments) == 0
    assert json.loads(capsys.readouterr().out) == first
    assert len(Frontier.from_json(files / "alpha" / "frontier.json").points) == 3


def _only_what_is_there(point):
    def refuse():
        raise AssertionError("a point was measured again")

    return lambda self, method, strength, measure: point(self, method, strength, refuse)


def test_a_folder_of_another_run_is_refused(files, capsys):
    assert main(sweep_of(files, "alpha", [0.5], "--domain", f"{files}/expert")) == 0
    assert main([*sweep_of(files, "alpha", [0.5], "--domain", f"{files}/expert"), "--seed", "1"]) == 2
    assert "has points of other data or settings; name another folder" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("by", "more", "message"),
    [
        ("alpha", [], "a sweep by alpha needs `domain`"),
        ("radius", [], "a sweep by radius needs `data`"),
        ("keep", ["--data", "d"], "a sweep by keep needs `scores`"),
        ("safety_weight", ["--data", "d"], "a sweep by safety_weight needs `safety_data`"),
    ],
)
def test_what_a_sweep_needs_is_said(files, capsys, by, more, message):
    assert main(sweep_of(files, by, [1.0], *more)) == 2
    assert message in capsys.readouterr().err


def test_other_axes_are_not_drawn_together(tmp_path, capsys):
    loss, rate = Axis(name="loss", better="lower"), Axis(name="rate", better="higher")
    paths = [str(Frontier(loss, axis, ()).to_json(tmp_path / f"{axis.name}.json")) for axis in (loss, rate)]
    assert main(["report", "--frontiers", json.dumps(paths), "--out", str(tmp_path / "page.html")]) == 2
    assert "has other axes than" in capsys.readouterr().err


def test_theory_says_what_decides(files, capsys):
    arguments = ["--safety", f"{files}/safe.jsonl", "--task", f"{files}/data.jsonl", "--proxy", f"{files}/safe.jsonl"]
    assert main(["theory", *arguments, "--model", f"{files}/model", "--device", "cpu", "--json", "true"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert 0 <= said["context_overlap"] <= 1
    assert said["proxy_loss_profile_distance"] == 0
    assert said["safety_loss"] == said["proxy_loss"]
    assert len(said["forecast_safety_loss_growth"]) == 3
