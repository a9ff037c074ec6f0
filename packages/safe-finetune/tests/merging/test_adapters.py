"""Merged adapters add up to what the adapters add, in memory, on disk and through peft."""

import json
import shutil
from functools import partial

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from gpu_commons.testing import tiny_model
from safe_finetune.merging.adapters import Adapter, low_rank, merge_adapters
from safe_finetune.merging.fold import fold_adapters

IDS = torch.tensor([[3, 4, 5, 6]])


def make_adapter(folder, seed, hidden_size=32, **settings):
    config = LoraConfig(**{"r": 4, "lora_alpha": 8, "target_modules": ["q_proj", "v_proj"], **settings})
    model = get_peft_model(tiny_model("llama", hidden_size=hidden_size), config)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_" in name:
                parameter.copy_(0.2 * torch.randn(parameter.shape, generator=generator))
    model.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    folder = tmp_path_factory.mktemp("adapters")
    one = make_adapter(folder / "one", 1)
    other = make_adapter(
        folder / "other",
        2,
        r=3,
        lora_alpha=6,
        use_rslora=True,
        target_modules=["q_proj", "up_proj"],
        rank_pattern={"up_proj": 2},
        alpha_pattern={"up_proj": 5},
    )
    return one, other


def changes(folder) -> dict[str, torch.Tensor]:
    """What an adapter adds to each weight, by peft's own account."""
    model = tiny_model("llama")
    before = {name: part.clone().double() for name, part in model.named_parameters()}
    merged = PeftModel.from_pretrained(model.double(), folder).merge_and_unload()
    return {name: part.detach().double() - before[name] for name, part in merged.named_parameters()}


@pytest.mark.parametrize("weights", [(0.5, 0.5), (1.0, -1.0), (0.3, 1.7)])
def test_the_merge_is_the_weighted_sum_of_the_changes(tmp_path, pair, weights):
    merged = changes(merge_adapters(list(zip(pair, weights, strict=True)), tmp_path / "merged"))
    one, other = map(changes, pair)
    for name, change in merged.items():
        expected = weights[0] * one[name] + weights[1] * other[name]
        assert torch.allclose(change, expected, rtol=1e-5, atol=1e-7), name


def test_pefts_linear_combination_is_not(pair):
    """Why there is a merge of our own: with weights 1 and -1 of unequal adapters, peft's sum has cross terms."""
    folder = pair[0]
    model = PeftModel.from_pretrained(tiny_model("llama"), folder, adapter_name="one")
    second = make_adapter(folder.parent / "third", 3)
    model.load_adapter(second, adapter_name="third")
    model.add_weighted_adapter(["one", "third"], [1.0, 1.0], "both", combination_type="linear")
    model.set_adapter("both")
    name = "model.layers.0.self_attn.q_proj.weight"
    layer = model.base_model.model.model.layers[0].self_attn.q_proj
    expected = changes(folder)[name] + changes(second)[name]
    error = (layer.get_delta_weight("both").double() - expected).norm() / expected.norm()
    assert error > 0.1


def test_a_lower_rank_is_the_nearest(tmp_path, pair):
    generator = torch.Generator().manual_seed(0)
    b, a = torch.randn(9, 5, generator=generator).double(), torch.randn(5, 7, generator=generator).double()
    found_b, found_a = low_rank(b, a, 2)
    u, scales, v = torch.linalg.svd(b @ a)
    assert torch.allclose(found_b @ found_a, u[:, :2] * scales[:2] @ v[:2], atol=1e-10)
    merged = merge_adapters([(pair[0], 0.5), (pair[1], 0.5)], tmp_path / "merged", rank=3)
    assert json.loads((merged / "adapter_config.json").read_text())["r"] == 3
    assert changes(merged)  # peft takes it


def test_folding_gives_what_peft_merges(tmp_path, pair):
    base = tmp_path / "base"
    tiny_model("llama").save_pretrained(base)
    fold_adapters(str(base), [(pair[0], 0.5), (pair[1], 1.0)], tmp_path / "folded", max_shard_bytes=20_000)
    weights = AutoModelForCausalLM.from_pretrained(base).state_dict()
    one, other = map(changes, pair)
    folded = AutoModelForCausalLM.from_pretrained(tmp_path / "folded")
    for name, part in folded.state_dict().items():
        expected = weights[name].double() + 0.5 * one.get(name, 0) + other.get(name, 0)
        assert torch.allclose(part.double(), expected, rtol=1e-6, atol=1e-8), name
    assert len(list((tmp_path / "folded").glob("*.safetensors"))) > 1


def test_what_is_no_plain_lora_is_refused(tmp_path, pair):
    shutil.copytree(pair[0], tmp_path / "dora")
    file = tmp_path / "dora" / "adapter_config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "use_dora": True}))
    with pytest.raises(ValueError, match="with use_dora=True .* only plain LoRA can be merged exactly"):
        Adapter.open(tmp_path / "dora")
    with pytest.raises(FileNotFoundError, match=r"no adapter_config.json in"):
        Adapter.open(tmp_path)


def test_adapters_that_do_not_go_together_are_refused(tmp_path, pair, trio):
    with pytest.raises(ValueError, match="`adapters` is empty"):
        merge_adapters([], tmp_path / "out")
    shutil.copytree(pair[0], tmp_path / "elsewhere")
    file = tmp_path / "elsewhere" / "adapter_config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "base_model_name_or_path": "another"}))
    with pytest.raises(ValueError, match="adapters are of different bases"):
        merge_adapters([(pair[0], 1.0), (tmp_path / "elsewhere", 1.0)], tmp_path / "out")
    whole = make_adapter(tmp_path / "whole", 1, modules_to_save=["lm_head"])
    with pytest.raises(
        ValueError, match="trained 1 tensors whole, such as .*lm_head.* save each model by peft's merge_and_unload"
    ):
        merge_adapters([(whole, 1.0)], tmp_path / "out")
    with pytest.raises(ValueError, match="trained 1 tensors whole, such as .*lm_head"):
        fold_adapters(str(trio / "base"), [(whole, 1.0)], tmp_path / "out")
    (tmp_path / "out").mkdir()
    with pytest.raises(FileExistsError, match="is there already"):
        merge_adapters([(pair[0], 1.0)], tmp_path / "out")


def change_factors(function):
    def change(folder):
        file = folder / "adapter_model.safetensors"
        save_file(function(load_file(file)), file)

    return change


def cut_off(folder):
    file = folder / "adapter_model.safetensors"
    file.write_bytes(file.read_bytes()[:-9])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (cut_off, r"adapter_model.safetensors: .* it is truncated, so fetch it again"),
        (
            change_factors(lambda parts: {name: part / (name != min(parts)) for name, part in parts.items()}),
            "adapter_model.safetensors: element 0 of '.*lora_A.weight' is -?(inf|nan); train or fetch it again",
        ),
        (
            change_factors(lambda parts: {name: part for name, part in parts.items() if name != min(parts)}),
            r"factors A and B of '.*q_proj' have shapes \(\) and \(32, 4\), which have no product",
        ),
        (
            change_factors(lambda parts: {**parts, min(parts): parts[min(parts)][1:]}),
            r"factors A and B of '.*q_proj' have shapes \(3, 32\) and \(32, 4\), which have no product",
        ),
        (lambda folder: (folder / "adapter_config.json").write_text('{"r": '), "adapter_config.json: is not JSON"),
        (lambda folder: (folder / "adapter_config.json").write_text("[]"), "adapter_config.json: holds a JSON list"),
        (
            lambda folder: (folder / "adapter_config.json").write_text('{"peft_type": "LORA"}'),
            "adapter_config.json: has no `lora_alpha`",
        ),
    ],
)
def test_damaged_adapters_are_named(tmp_path, pair, trio, change, message):
    shutil.copytree(pair[0], tmp_path / "damaged")
    change(tmp_path / "damaged")
    for call in (merge_adapters, partial(fold_adapters, str(trio / "base"))):
        with pytest.raises(ValueError, match=message):
            call([(pair[0], 0.5), (tmp_path / "damaged", 0.5)], tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["damaged"]


def test_weights_and_ranks_that_cannot_be_are_refused(tmp_path, pair):
    with pytest.raises(ValueError, match="the weight of .*one must be finite, got nan"):
        merge_adapters([(pair[0], float("nan"))], tmp_path / "out")
    with pytest.raises(ValueError, match="`rank` must be at least 1, got 0; leave it out for an exact merge"):
        merge_adapters([(pair[0], 1.0)], tmp_path / "out", rank=0)
    wide = make_adapter(tmp_path / "wide", 1, hidden_size=64)
    with pytest.raises(
        ValueError, match=r"adapters change '.*q_proj' in shapes \(32, 32\) and \(64, 64\); merge those"
    ):
        merge_adapters([(pair[0], 0.5), (wide, 0.5)], tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["wide"]


def test_a_full_disk_leaves_no_part_of_an_adapter(tmp_path, pair, monkeypatch):
    def full(tensors, file, metadata):
        file.write_bytes(b"a part")
        raise OSError("no space left")

    monkeypatch.setattr("safe_finetune.merging.adapters.save_file", full)
    with pytest.raises(OSError, match="no space left"):
        merge_adapters([(pair[0], 1.0)], tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_a_base_with_what_is_no_number_is_refused_and_leaves_nothing(tmp_path, pair, trio):
    parts = load_file(trio / "base" / "model.safetensors")
    parts["model.layers.0.self_attn.q_proj.weight"][0, 3] = torch.inf
    (tmp_path / "base").mkdir()
    save_file(parts, tmp_path / "base" / "model.safetensors")
    with pytest.raises(ValueError, match="element 3 of 'model.layers.0.self_attn.q_proj.weight' is inf; mend or fetch"):
        fold_adapters(str(tmp_path / "base"), [(pair[0], 1.0)], tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["base"]


def test_a_base_of_another_shape_is_refused(tmp_path, pair, trio):
    tensors = load_file(trio / "base" / "model.safetensors")
    name = "model.layers.0.self_attn.q_proj.weight"
    (tmp_path / "base").mkdir()
    save_file({**tensors, name: tensors[name][:, :-1].contiguous()}, tmp_path / "base" / "model.safetensors")
    with pytest.raises(ValueError, match=f"changes '{name}' of shape .* in the base; name the base it was trained on"):
        fold_adapters(str(tmp_path / "base"), [(pair[0], 1.0)], tmp_path / "out")
