"""Verbs do what the API does, print what is asked for, and say bad input in one sentence."""

import json

import pytest
import torch
from safetensors.torch import load_file

from safe_finetune.cli import main
from safe_finetune.merging import align_recipe, merge


def test_merge_is_that_of_the_api(tmp_path, trio, capsys):
    arguments = ["--domain", str(trio / "domain"), "--aligned", str(trio / "aligned"), "--alpha", "0.25"]
    layers = ["--layer_alpha", '{"layers.0": 1.0}', "--json", "true"]
    assert main(["merge", *arguments, "--out", str(tmp_path / "out"), *layers]) == 0
    said = json.loads(capsys.readouterr().out)
    recipe = align_recipe(
        domain=str(trio / "domain"), aligned=str(trio / "aligned"), alpha=0.25, layer_alpha={"layers.0": 1.0}
    )
    assert said["sha256"] == merge(recipe, tmp_path / "api").sha256
    assert said["folder"] == str(tmp_path / "out")


def test_merge_takes_a_recipe_of_mergekit(tmp_path, trio, capsys):
    recipe = tmp_path / "recipe.yml"
    recipe.write_text(f"models: [{{model: {trio / 'domain'}}}, {{model: {trio / 'aligned'}}}]\nmerge_method: linear\n")
    assert main(["merge", "--from_mergekit", str(recipe), "--out", str(tmp_path / "out")]) == 0
    name = "model.norm.weight"
    parts = [load_file(trio / one / "model.safetensors")[name].double() for one in ("domain", "aligned")]
    found = load_file(tmp_path / "out" / "model.safetensors")[name].double()
    assert torch.allclose(found, (parts[0] + parts[1]) / 2, rtol=2**-8)
    assert main(["merge", "--from_mergekit", str(recipe), "--base", "b", "--out", str(tmp_path / "other")]) == 2
    assert "`from_mergekit` names the models itself" in capsys.readouterr().err


def test_compare_prints_a_table_or_json(trio, capsys):
    arguments = ["compare", "--domain", str(trio / "domain"), "--aligned", str(trio / "aligned")]
    assert main([*arguments, "--base", str(trio / "base")]) == 0
    assert "| layer 0 |" in capsys.readouterr().out
    assert main([*arguments, "--by", "tensor", "--json", "true"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert rows["all"]["domain_size"] is None
    assert -1 <= rows["model.norm.weight"]["cosine"] <= 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["merge", "--out", "o"], "`domain` and `aligned` are needed"),
        (["merge", "--out", "o", "--domain", "./d", "--aligned", "./a"], "no folder at"),
        (["merge", "--out", "o", "--domain", "d", "--aligned", "a", "--alpha", "2"], "`alpha` must be in"),
        (["merge-adapters", "--out", "o", "--adapters", '{"./nowhere": 1}'], "no adapter_config.json in"),
        (["merge-adapters", "--out", "o", "--adapters", "{}", "--base", "b", "--rank", "2"], "`rank` is of an adapter"),
        (["compare", "--domain", "./d", "--aligned", "./a"], "no folder at"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(arguments, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.startswith("safe-finetune: ")
    assert not list(tmp_path.iterdir())
