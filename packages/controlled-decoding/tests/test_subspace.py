"""Artifacts round-trip, and are refused where they mean nothing."""

import json
from dataclasses import replace

import pytest
import torch

from controlled_decoding.subspace import CONFIG, TENSORS, FitReport, SubspaceClassifier
from gpu_commons import model_fingerprint, tokenizer_fingerprint
from gpu_commons.testing import tiny_model, tiny_tokenizer

REPORT = FitReport(
    auc=0.9,
    auc_interval=(0.85, 0.95),
    auc_unfinished=0.7,
    accuracy=0.8,
    ece=0.05,
    nll=0.3,
    num_fitted=(10, 12),
    num_holdout=(8, 9),
    rank=32,
    shrinkage=0.1,
    margin_quantiles={"undesired": [-1.0], "desired": [1.0]},
)


@pytest.fixture
def artifact(make_subspace, model, tokenizer) -> SubspaceClassifier:
    prints = {"model": model_fingerprint(model), "tokenizer": tokenizer_fingerprint(tokenizer)}
    return make_subspace(model, report=REPORT, provenance={"solver": "ledoit_wolf", "render": "raw"}, **prints)


def test_artifact_round_trip_is_exact(artifact, tmp_path, model, tokenizer):
    artifact.save_pretrained(tmp_path / "a" / "b")
    loaded = SubspaceClassifier.from_pretrained(tmp_path / "a" / "b")
    assert torch.equal(loaded.weight, artifact.weight)
    assert torch.equal(loaded.midpoint, artifact.midpoint)
    assert replace(loaded, weight=artifact.weight, midpoint=artifact.midpoint) == artifact
    assert loaded.fingerprint == artifact.fingerprint
    assert sorted(path.name for path in (tmp_path / "a" / "b").iterdir()) == sorted([CONFIG, TENSORS])
    loaded.check(model, tokenizer)


def test_artifacts_hold_no_path_and_no_text(artifact, tmp_path):
    artifact.save_pretrained(tmp_path)
    assert str(tmp_path) not in (tmp_path / CONFIG).read_text()


def test_other_weights_other_tokenizer_and_poor_quality_need_force(artifact, model, tokenizer):
    with pytest.raises(ValueError, match=r"was fitted on model [0-9a-f]{16}, but this is [0-9a-f]{16}.*--force"):
        artifact.check(tiny_model(seed=5))
    other = tiny_tokenizer()
    other.add_tokens(["<extra>"])
    with pytest.raises(ValueError, match="was fitted with tokenizer"):
        artifact.check(model, other)
    poor = replace(artifact, report=replace(REPORT, auc=0.55))
    with pytest.raises(ValueError, match=r"AUC of 0.55, under 0.6.*--force"):
        poor.check(model)
    for subspace, own_model, own_tokenizer in [
        (artifact, tiny_model(seed=5), None),
        (artifact, model, other),
        (poor, model, tokenizer),
    ]:
        subspace.check(own_model, own_tokenizer, force=True)


def test_wrong_width_and_layer_are_refused_even_with_force(artifact):
    with pytest.raises(ValueError, match=r"has width 32, but the model's hidden states have width 16"):
        artifact.check(tiny_model(hidden_size=16), force=True)
    with pytest.raises(ValueError, match="reads layer 3, but the model has 2 layers"):
        artifact.check(tiny_model(num_hidden_layers=2), force=True)
    with pytest.raises(ValueError, match="hidden states have width 5"):
        artifact.margins(torch.zeros(2, 5))


def test_log_odds_are_the_calibrated_line(artifact):
    hidden = torch.randn(4, 3, 32, generator=torch.Generator().manual_seed(0))
    expected = (hidden - artifact.midpoint) @ artifact.weight * artifact.slope + artifact.intercept
    torch.testing.assert_close(artifact.log_odds(hidden), expected)


def damage_json(folder):
    (folder / CONFIG).write_text("{not json")


def damage_tensors(folder):
    (folder / TENSORS).write_bytes(b"nonsense")


def foreign_json(folder):
    (folder / CONFIG).write_text(json.dumps({"hello": 1}))


def foreign_list(folder):
    (folder / CONFIG).write_text("[1, 2]")


@pytest.mark.parametrize("damage", [damage_json, damage_tensors, foreign_json, foreign_list])
def test_corrupt_and_foreign_artifacts_are_said_to_be(damage, artifact, tmp_path):
    artifact.save_pretrained(tmp_path)
    damage(tmp_path)
    with pytest.raises(ValueError, match="does not hold a readable subspace"):
        SubspaceClassifier.from_pretrained(tmp_path)


def test_newer_formats_and_nan_are_refused(artifact, tmp_path):
    replace(artifact, weight=torch.full((32,), float("nan"))).save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="holds NaN or infinity"):
        SubspaceClassifier.from_pretrained(tmp_path)
    artifact.save_pretrained(tmp_path)
    config = json.loads((tmp_path / CONFIG).read_text())
    (tmp_path / CONFIG).write_text(json.dumps({**config, "format_version": 99}))
    with pytest.raises(ValueError, match="format version 99, this package reads 1; update"):
        SubspaceClassifier.from_pretrained(tmp_path)


def test_a_missing_artifact_says_which_file_and_how_to_make_one(tmp_path):
    with pytest.raises(
        FileNotFoundError, match=r"subspace_config.json and subspace.safetensors missing.*controlled-decoding fit"
    ):
        SubspaceClassifier.from_pretrained(tmp_path)
