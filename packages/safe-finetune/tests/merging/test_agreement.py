"""Models that cannot be merged are refused before a byte is written, in one message."""

import json
import logging
import re
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from safe_finetune.merging import align_recipe, merge
from safe_finetune.merging.similarity import compare


@pytest.fixture
def refuse(tmp_path, trio):
    """``refuse(change, message)``: change a copy of the aligned model, and expect its merge to be refused."""

    def check(change, message, **arguments):
        shutil.copytree(trio / "aligned", tmp_path / "aligned")
        change(tmp_path / "aligned")
        recipe = align_recipe(domain=str(trio / "domain"), aligned=str(tmp_path / "aligned"), **arguments)
        with pytest.raises(ValueError, match=message):
            merge(recipe, tmp_path / "out")
        assert {path.name for path in tmp_path.iterdir()} == {"aligned"}

    return check


def change_config(**settings):
    def change(folder):
        file = folder / "config.json"
        file.write_text(json.dumps({**json.loads(file.read_text()), **settings}))

    return change


def change_tensors(function):
    def change(folder):
        file = folder / "model.safetensors"
        save_file(function(load_file(file)), file)

    return change


def without(name):
    return change_tensors(lambda parts: {key: part for key, part in parts.items() if key != name})


def replaced(name, function):
    return change_tensors(lambda parts: {**parts, name: function(parts[name])})


Q = "model.layers.0.self_attn.q_proj.weight"
CASES = [
    (change_config(model_type="qwen2"), "model_type is 'llama' in .* and 'qwen2' in"),
    (change_config(hidden_size=8), "hidden_size is .* and 8 in .*; only models of one shape can be merged"),
    (
        change_config(quantization_config={"bits": 4}),
        "is quantised, and its codes are no weights; merge the model it was",
    ),
    (
        change_tensors(lambda parts: {**parts, "more": torch.ones(2)}),
        "domain lacks 1 tensors that .*aligned has, such as 'more'",
    ),
    (without(Q), "lacks 1 tensors that .* has, such as 'model.layers.0.self_attn.q_proj.weight'"),
    (replaced(Q, lambda part: part[:, :-1].contiguous()), "has shape .* only tensors of one shape can be merged"),
    (
        replaced("model.embed_tokens.weight", lambda part: part[:-2].contiguous()),
        "'model.embed_tokens.weight' has shape .* choose vocab_policy cut or pad",
    ),
    (
        replaced(Q, lambda part: part.index_fill(1, torch.tensor([2]), torch.nan)),
        "element 2 of .* is nan; mend or fetch",
    ),
    (
        replaced(Q, lambda part: part.index_fill(1, torch.tensor([0]), torch.inf)),
        "element 0 of .* is inf; mend or fetch",
    ),
]


@pytest.mark.parametrize(("change", "message"), CASES)
def test_models_that_do_not_fit_are_refused(refuse, change, message):
    refuse(change, message)


def test_everything_that_does_not_fit_is_said_at_once(refuse):
    def change(folder):
        change_config(hidden_size=8, num_hidden_layers=9)(folder)
        without(Q)(folder)

    refuse(change, "(?s)hidden_size.*num_hidden_layers.*lacks 1 tensors")


def test_tokenizers_must_mean_the_same(refuse):
    def change(folder):
        file = folder / "tokenizer.json"
        described = json.loads(file.read_text())
        vocabulary = described["model"]["vocab"]
        one, other = list(vocabulary)[-2:]
        vocabulary[one], vocabulary[other] = vocabulary[other], vocabulary[one]
        file.write_text(json.dumps(described))

    refuse(change, "tokenizers of domain and aligned differ at 2 ids, such as .*; merge models of one tokenizer")


def grow_tokenizer(folder):
    file = folder / "tokenizer.json"
    described = json.loads(file.read_text())
    described["added_tokens"].append({**described["added_tokens"][0], "id": 320, "content": "<extra>"})
    file.write_text(json.dumps(described))


def test_tokens_of_one_model_alone_are_named(refuse):
    refuse(grow_tokenizer, "have 320 and 321 tokens; only one has '<extra>'; choose vocab_policy cut or pad")


def test_a_policy_for_vocabularies_takes_lone_tokens_and_warns_of_differing_ids(tmp_path, trio, caplog):
    shutil.copytree(trio / "aligned", tmp_path / "aligned")
    grow_tokenizer(tmp_path / "aligned")
    recipe = align_recipe(domain=str(trio / "domain"), aligned=str(tmp_path / "aligned"), vocab_policy="cut")
    merge(recipe, tmp_path / "out")
    assert "tokenizers" not in caplog.text
    file = tmp_path / "aligned" / "tokenizer.json"
    file.write_text(file.read_text().replace('"<bos>"', '"<other>"'))
    merge(recipe, tmp_path / "again")
    assert "tokenizers of domain and aligned differ at 1 ids, such as 1 ('<bos>', '<other>')" in caplog.text


@pytest.mark.parametrize("file", ["config.json", "tokenizer.json"])
@pytest.mark.parametrize(("content", "message"), [('{"a": ', "is not JSON .*; fetch"), ("[1]", "holds a JSON list")])
def test_damaged_files_beside_the_weights_are_named(refuse, file, content, message):
    refuse(lambda folder: (folder / file).write_text(content), f"{file}: {message}")


def test_a_head_that_only_one_config_ties_is_refused_though_both_files_have_it(refuse):
    """Loading would throw away one head, or draw a new one at random."""
    refuse(change_config(tie_word_embeddings=True), "ties its head to the embeddings and the other does not")


def test_a_head_tied_in_one_model_alone_is_refused(refuse):
    def change(folder):
        without("lm_head.weight")(folder)
        change_config(tie_word_embeddings=True)(folder)

    refuse(change, "ties its head to the embeddings and the other does not; save both the same way")


def test_tied_heads_do_not_count(tmp_path, trio):
    for name in ("domain", "aligned"):
        shutil.copytree(trio / name, tmp_path / name)
        change_config(tie_word_embeddings=True)(tmp_path / name)
    without("lm_head.weight")(tmp_path / "aligned")
    merge(align_recipe(domain=str(tmp_path / "domain"), aligned=str(tmp_path / "aligned")), tmp_path / "out")
    assert "lm_head.weight" not in load_file(tmp_path / "out" / "model.safetensors")


def test_a_truncated_file_is_refused(refuse):
    def change(folder):
        file = folder / "model.safetensors"
        file.write_bytes(file.read_bytes()[:-100])

    refuse(change, "it is truncated, so fetch it again")


@pytest.mark.parametrize("same", ["domain", "base"])
def test_one_model_twice_is_a_mistake(tmp_path, trio, same):
    aligned = str(trio / ("domain" if same == "domain" else "aligned"))
    base = aligned if same == "base" else None
    recipe = align_recipe(domain=str(trio / "domain"), aligned=aligned, base=base)
    with pytest.raises(ValueError, match="have the same weights, so there is nothing to merge"):
        merge(recipe, tmp_path / "out")


def test_a_change_of_few_tensors_is_one(tmp_path, save_tensors):
    """Of 64 tensors a look takes every fourth, as of a large model, whose adapters may all lie between."""
    base = {f"layers.{k:02}": torch.full((3,), float(k)) for k in range(64)}
    expert = {**base, "layers.01": torch.zeros(3)}
    aligned = {name: part + 1 for name, part in base.items()}
    folders = [save_tensors(tmp_path / name, parts) for name, parts in (("b", base), ("d", expert), ("a", aligned))]
    merge(align_recipe(domain=folders[1], aligned=folders[2], base=folders[0]), tmp_path / "out")
    found = load_file(tmp_path / "out" / "model.safetensors")
    assert found["layers.01"].tolist() == [1.0] * 3


def test_changes_of_one_direction_are_warned_of(tmp_path, save_tensors, caplog):
    change = torch.randn(50)
    folders = [save_tensors(tmp_path / str(k), {"w": k * change}) for k in (0, 1, 2)]
    merge(align_recipe(domain=folders[1], aligned=folders[2], base=folders[0], weights=(1.0, 1.0)), tmp_path / "out")
    assert "changed the base alike (cosine 1.0000)" in caplog.text


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rms_norm_eps": 0.5}, "rms_norm_eps is .* weights expect different positions or norms"),
        ({"rope_parameters": {"rope_theta": 5.0, "rope_type": "default"}}, "rope_theta is 10000.0 in .* and 5.0 in"),
        ({"rope_parameters": None, "rope_theta": 6.0}, "rope_theta is 10000.0 in .* and 6.0 in"),
        (
            {"rope_parameters": None, "rope_theta": 1e4, "rope_scaling": {"rope_type": "linear", "factor": 2.0}},
            "rope_type is default in .* and linear in",
        ),
    ],
)
def test_doubtful_merges_are_warned_of(tmp_path, trio, caplog, settings, message):
    shutil.copytree(trio / "aligned", tmp_path / "aligned")
    change_config(**settings)(tmp_path / "aligned")
    with caplog.at_level(logging.WARNING):
        merge(align_recipe(domain=str(trio / "domain"), aligned=str(tmp_path / "aligned")), tmp_path / "out")
    assert re.search(message, caplog.text)


METHODS = {
    "linear": {},
    "task_arithmetic": {},
    "slerp": {},
    "ties": {"density": 0.3},
    "dare_linear": {"density": 0.3},
    "dare_ties": {"density": 0.3},
}


@pytest.mark.parametrize("where", ["aligned", "base"])
@pytest.mark.parametrize("method", METHODS)
def test_what_is_no_number_is_found_whatever_the_method_drops(tmp_path, trio, monkeypatch, method, where):
    shutil.copytree(trio / where, tmp_path / where)
    replaced(Q, lambda part: part.index_put((torch.tensor(5), torch.tensor(3)), torch.tensor(torch.nan).to(part)))(
        tmp_path / where
    )
    monkeypatch.setattr("safe_finetune.merging.merge_models.check_sameness", lambda *_: None)  # it reads them too
    folders = {name: str((tmp_path if name == where else trio) / name) for name in ("domain", "aligned", "base")}
    recipe = align_recipe(**folders, method=method, **METHODS[method])
    with pytest.raises(ValueError, match=f"{where}/model.safetensors: element 163 of '{Q}' is nan; mend or fetch"):
        merge(recipe, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == [where]


def test_what_is_no_number_in_rows_of_one_model_is_found(tmp_path, save_tensors):
    parts = {"d": torch.ones(4, 2), "a": torch.cat([torch.zeros(4, 2), torch.tensor([[1.0, torch.inf]])])}
    folders = {name: save_tensors(tmp_path / name, {"embed_tokens.weight": part}) for name, part in parts.items()}
    recipe = align_recipe(domain=folders["d"], aligned=folders["a"], vocab_policy="pad")
    with pytest.raises(
        ValueError, match="a/model.safetensors: element 9 of 'embed_tokens.weight' is inf; mend or fetch"
    ):
        merge(recipe, tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "d"]


@pytest.mark.parametrize(("dtype", "largest"), [("F16", "6.55e\\+04"), ("BF16", "3.39e\\+38"), ("F32", "3.403e\\+38")])
def test_numbers_too_large_for_the_result_are_refused(tmp_path, save_tensors, dtype, largest):
    folders = [save_tensors(tmp_path / str(k), {"w": torch.full((3,), k * 1e39, dtype=torch.float64)}) for k in (1, 2)]
    with pytest.raises(ValueError, match=f"'w' of the result has numbers beyond {largest}, the largest of {dtype}"):
        merge(align_recipe(domain=folders[0], aligned=folders[1], dtype=dtype), tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1", "2"]


@pytest.mark.parametrize("where", ["domain", "base"])
def test_models_are_not_compared_by_what_is_no_number(tmp_path, trio, where):
    shutil.copytree(trio / where, tmp_path / where)
    replaced(Q, lambda part: part.index_fill(1, torch.tensor([1]), torch.nan))(tmp_path / where)
    folders = [str((tmp_path if name == where else trio) / name) for name in ("domain", "aligned", "base")]
    with pytest.raises(ValueError, match=f"{where}/model.safetensors: element 1 of '{Q}' is nan"):
        compare(*folders)


def test_a_disk_without_room_is_noticed_before_a_byte_is_written(tmp_path, trio, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10, 10, 0))
    recipe = align_recipe(domain=str(trio / "domain"), aligned=str(trio / "aligned"))
    with pytest.raises(OSError, match="0.00 GB are to be written; make room or name a folder on another disk"):
        merge(recipe, tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_averaged_routers_are_warned_of(tmp_path, save_tensors, caplog):
    folders = [save_tensors(tmp_path / str(k), {"mlp.router.weight": torch.full((3,), float(k))}) for k in range(2)]
    for folder in folders:
        Path(folder, "config.json").write_text(json.dumps({"num_experts": 4}))
    merge(align_recipe(domain=folders[0], aligned=folders[1]), tmp_path / "out")
    assert "routes tokens to experts (mlp.router.weight)" in caplog.text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"alpha": 1.5}, r"`alpha` must be in \[0, 1\], got 1.5; set allow_extrapolation"),
        ({"layer_alpha": {"mlp": -0.1}}, r"`alpha` must be in \[0, 1\], got -0.1"),
        ({"weights": (1.0, 1.0), "layer_alpha": {"mlp": 0.1}}, "`weights` and `layer_alpha` exclude each other"),
        ({"method": "average"}, "`method` must be one of linear, .*, got 'average'"),
        ({"method": "ties"}, "`base` is needed by method 'ties'"),
        ({"alpha": float("nan"), "allow_extrapolation": True}, "`weight` of d must be finite"),
        ({"density": 0.0}, r"`density` of d must be in \(0, 1\], got 0.0"),
        ({"vocab_policy": "union"}, "`vocab_policy` must be one of strict, cut, pad, got 'union'"),
    ],
)
def test_recipes_are_checked(arguments, message):
    with pytest.raises(ValueError, match=message):
        align_recipe(domain="d", aligned="a", **arguments)


def test_extrapolation_can_be_asked_for():
    assert align_recipe(domain="d", aligned="a", alpha=1.5, allow_extrapolation=True).models[0].weight.default == -0.5


def test_other_arguments_of_a_merge_are_checked(tmp_path, trio):
    recipe = align_recipe(domain=str(trio / "domain"), aligned=str(trio / "aligned"))
    with pytest.raises(ValueError, match="`max_shard_size` must be a size such as 5GB or 500MB, got 'big'"):
        merge(recipe, tmp_path / "out", max_shard_size="big")
    with pytest.raises(ValueError, match="`tokenizer_from` must be one of .*, got 'base'"):
        merge(recipe, tmp_path / "out", tokenizer_from="base")
    with pytest.raises(FileNotFoundError, match="no folder at"):
        merge(align_recipe(domain="./nowhere", aligned=str(trio / "aligned")), tmp_path / "out")
