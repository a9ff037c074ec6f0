"""Recipes of mergekit mean here what they mean there."""

import pytest

from safe_finetune.merging import LayerRule, LayerWeights
from safe_finetune.merging.mergekit import read_mergekit


@pytest.fixture
def read(tmp_path):
    def write_and_read(text):
        (tmp_path / "recipe.yml").write_text(text)
        return read_mergekit(tmp_path / "recipe.yml")

    return write_and_read


MODELS = """
models:
  - model: one
    parameters: {weight: 1.0}
  - model: other
    parameters: {weight: 3.0}
"""


def test_linear_weights_are_divided_by_their_sum_in_sight(read):
    recipe = read(MODELS + "merge_method: linear\ndtype: bfloat16\n")
    assert [model.weight.default for model in recipe.models] == [0.25, 0.75]
    assert (recipe.method, recipe.base, recipe.dtype) == ("linear", None, "BF16")
    kept = read(MODELS + "merge_method: linear\nparameters: {normalize: false}\n")
    assert [model.weight.default for model in kept.models] == [1.0, 3.0]


def test_task_arithmetic_keeps_its_weights_and_the_base_is_no_model(read):
    text = "models:\n  - model: b\n  - model: d\n    parameters: {weight: 0.7, density: 0.5}\nbase_model: b\n"
    recipe = read(text + "merge_method: task_arithmetic\n")
    assert (recipe.base, [model.path for model in recipe.models]) == ("b", ["d"])
    assert (recipe.models[0].weight.default, recipe.models[0].density) == (0.7, 0.5)


def test_shared_parameters_hold_for_all_models(read):
    recipe = read(
        "models: [{model: a}, {model: c}]\nbase_model: b\nmerge_method: ties\nparameters: {density: 0.2, weight: 1}\n"
    )
    assert [model.density for model in recipe.models] == [0.2, 0.2]


def test_slerp_goes_from_the_base_to_the_other(read):
    recipe = read(
        "models: [{model: b}, {model: a}]\nbase_model: b\nmerge_method: slerp\n"
        "parameters: {t: [{filter: mlp, value: [0, 1]}, {value: 0.3}]}\n"
    )
    assert [model.path for model in recipe.models] == ["b", "a"]
    assert recipe.models[1].weight == LayerWeights(0.3, (LayerRule("mlp", (0.0, 1.0)),))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("slices: []\n", "has no `models`; recipes of slices are not read"),
        ("models: [\n", "not YAML"),
        (MODELS + "merge_method: passthrough\n", "`merge_method` must be one of linear, .* got 'passthrough'"),
        (MODELS + "merge_method: linear\nchat_template: x\n", "'chat_template' is not read here"),
        (MODELS + "merge_method: linear\ndtype: int8\n", "dtype must be one of float64, .* got 'int8'"),
        (MODELS + "merge_method: slerp\n", "slerp needs `base_model` and a parameter `t`"),
        (
            MODELS + "base_model: b\nmerge_method: slerp\nparameters: {t: 0.5}\n",
            "`base_model` and one more, got 2 more",
        ),
        (MODELS + "base_model: b\nmerge_method: ties\nparameters: {normalize: false}\n", "ties without `normalize`"),
        (
            "models: [{model: a, parameters: {weight: [0, 1]}}]\nmerge_method: linear\n",
            "`normalize` with weights by layer",
        ),
        ("models: [{model: a, parameters: {weight: 0}}]\nmerge_method: linear\n", "the weights add up to 0"),
    ],
)
def test_what_is_not_done_here_is_said(read, text, message):
    with pytest.raises(ValueError, match=message):
        read(text)


def test_an_absent_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="no file at"):
        read_mergekit(tmp_path / "none.yml")
