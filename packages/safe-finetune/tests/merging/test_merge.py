"""A merge equals the same arithmetic on whole float64 tensors, rounded once, whatever the files look like."""

import json
import signal
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from safe_finetune.merging import LayerRule, LayerWeights, MergeRecipe, align_recipe, merge, tensors

DTYPES = [torch.float32, torch.float16, torch.bfloat16]


def load_all(folder) -> dict[str, torch.Tensor]:
    return {name: part for file in sorted(folder.glob("*.safetensors")) for name, part in load_file(file).items()}


def doubles(*folders) -> list[dict[str, torch.Tensor]]:
    return [{name: part.double() for name, part in load_all(folder).items()} for folder in folders]


def align(trio, **arguments) -> MergeRecipe:
    return align_recipe(domain=str(trio / "domain"), aligned=str(trio / "aligned"), **arguments)


@pytest.fixture
def small_blocks(monkeypatch):
    """Blocks so small that tiny tensors have several, and reads of another size."""

    def shrink(block=7, reads=3):
        for module in (tensors, sys.modules["safe_finetune.merging.tensor_merger"]):
            monkeypatch.setattr(module, "BLOCK", block)
            monkeypatch.setattr(module, "READ_AT_ONCE", block * reads)

    return shrink


@pytest.mark.parametrize("shards", ["5GB", "20KB"])
@pytest.mark.parametrize("alpha", [0.3, 0.5])
def test_convex_merge_is_the_average_and_needs_no_base(tmp_path, trio, shards, alpha):
    report = merge(align(trio, alpha=alpha), tmp_path / "out", max_shard_size=shards)
    domain, aligned = doubles(trio / "domain", trio / "aligned")
    found = load_all(tmp_path / "out")
    assert found.keys() == domain.keys()
    for name, part in found.items():
        expected = (1 - alpha) * domain[name] + alpha * aligned[name]
        assert torch.equal(part, rounded(expected, torch.bfloat16)), name
    assert report.num_merged == len(found)
    assert len(report.sha256) == len(list((tmp_path / "out").glob("*.safetensors")))
    assert (len(report.sha256) > 1) == (shards == "20KB")


def rounded(values: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Rounded once; torch's own float64 -> bfloat16 goes through float32, so pairs of neighbours are compared."""
    if dtype == torch.float32:
        return values.float()
    near = values.to(dtype)
    bits = near.view(torch.int16)
    candidates = torch.stack([(bits + step).view(dtype) for step in (-1, 0, 1)]).double()
    distance = (candidates - values).abs().nan_to_num(torch.inf)
    even = torch.stack([((bits + step) & 1) == 0 for step in (-1, 0, 1)])
    best = distance == distance.min(0).values
    choice = (best.double() + 0.5 * (best & even).double()).argmax(0)
    return candidates.gather(0, choice[None])[0].to(dtype)


@pytest.mark.parametrize("alpha", [0.0, 1.0])
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_ends_are_the_parents_to_the_bit(tmp_path, save_tensors, alpha, dtype):
    generator = torch.Generator().manual_seed(0)
    parents = [torch.randn(9, 5, generator=generator).to(dtype) for _ in range(2)]
    parents[0][0, 0] = -0.0
    domain, aligned = (
        save_tensors(tmp_path / name, {"w": part}) for name, part in zip(("d", "a"), parents, strict=True)
    )
    merge(align_recipe(domain=domain, aligned=aligned, alpha=alpha), tmp_path / "out")
    bits = {2: torch.int16, 4: torch.int32}[parents[0].element_size()]
    assert torch.equal(load_all(tmp_path / "out")["w"].view(bits), parents[int(alpha)].view(bits))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    shape=st.lists(st.integers(0, 9), max_size=3),
    dtype=st.sampled_from(DTYPES),
    weights=st.tuples(st.floats(-2, 2), st.floats(-2, 2)),
    method=st.sampled_from(["linear", "task_arithmetic"]),
    block=st.integers(1, 30),
    seed=st.integers(0, 99),
)
def test_any_shape_and_any_block_give_the_exact_sum(
    tmp_path_factory, save_tensors, small_blocks, shape, dtype, weights, method, block, seed
):
    small_blocks(block)
    folder = tmp_path_factory.mktemp("exact")
    generator = torch.Generator().manual_seed(seed)
    parts = [torch.randn(shape, generator=generator).to(dtype) for _ in range(3)]
    extra = {"never the same": torch.randn(3, generator=generator)}
    names = [
        save_tensors(folder / str(place), {"w": part, **{key: one + place for key, one in extra.items()}})
        for place, part in enumerate(parts)
    ]
    recipe = align_recipe(domain=names[0], aligned=names[1], base=names[2], weights=weights, method=method)
    merge(recipe, folder / "out")
    one, other, base = (part.double() for part in parts)
    if method == "task_arithmetic":
        one, other = one - base, other - base
    terms = [weight * part for weight, part in zip(weights, (one, other), strict=True) if weight]
    total = terms[0] if terms else torch.zeros(shape, dtype=torch.float64)
    total = total + terms[1] if len(terms) == 2 else total
    expected = base + total if method == "task_arithmetic" else total
    assert torch.equal(load_all(folder / "out")["w"], rounded(expected, dtype))


def test_task_arithmetic_of_weights_that_add_up_to_one_is_the_average(tmp_path, trio):
    merge(align(trio, alpha=0.3), tmp_path / "average")
    merge(align(trio, alpha=0.3, base=str(trio / "base"), method="task_arithmetic"), tmp_path / "changes")
    for one, other in zip(
        load_all(tmp_path / "average").values(), load_all(tmp_path / "changes").values(), strict=True
    ):
        assert torch.allclose(one.float(), other.float(), atol=1e-2)


def test_slerp_is_shoemakes(tmp_path, trio, small_blocks):
    small_blocks()
    merge(align(trio, alpha=0.3, method="slerp"), tmp_path / "out")
    domain, aligned = doubles(trio / "domain", trio / "aligned")
    for name, part in load_all(tmp_path / "out").items():
        angle = torch.arccos((domain[name] * aligned[name]).sum() / domain[name].norm() / aligned[name].norm())
        expected = (torch.sin(0.7 * angle) * domain[name] + torch.sin(0.3 * angle) * aligned[name]) / torch.sin(angle)
        assert torch.allclose(part.double(), expected, rtol=2**-8, atol=1e-9), name


@pytest.mark.parametrize("density", [0.02, 0.3, 1.0])
def test_ties_is_that_of_whole_tensors(tmp_path, trio, small_blocks, density):
    small_blocks()
    recipe = align(trio, base=str(trio / "base"), weights=(0.7, 0.4), method="ties", density=density)
    merge(recipe, tmp_path / "out")
    domain, aligned, base = doubles(trio / "domain", trio / "aligned", trio / "base")
    for name, part in load_all(tmp_path / "out").items():
        changes = []
        for model in (domain, aligned):
            change = model[name] - base[name]
            kept = max(int(density * change.numel()), 1)
            changes.append(change * (change.abs() >= change.abs().flatten().sort().values[-kept]))
        stacked = torch.stack(changes) * torch.tensor([0.7, 0.4], dtype=torch.float64).view(2, *[1] * part.ndim)
        agrees = (stacked.sign() == stacked.sum(0).sign()) & (stacked.sum(0) != 0)
        share = (agrees * torch.tensor([0.7, 0.4], dtype=torch.float64).view(2, *[1] * part.ndim)).sum(0)
        expected = base[name] + (stacked * agrees).sum(0) / share.clamp(min=1e-300)
        assert torch.allclose(part.double(), expected, rtol=2**-8, atol=1e-9), name


@pytest.mark.parametrize("method", ["dare_linear", "dare_ties"])
def test_dare_drops_the_same_whatever_the_files_and_reads(tmp_path, trio, monkeypatch, method):
    recipe = align(trio, base=str(trio / "base"), weights=(1.0, 1.0), method=method, density=0.5, seed=3)
    merge(recipe, tmp_path / "one")
    monkeypatch.setattr(tensors, "READ_AT_ONCE", tensors.BLOCK)
    merge(recipe, tmp_path / "other", max_shard_size="20KB")
    one, other = load_all(tmp_path / "one"), load_all(tmp_path / "other")
    assert all(torch.equal(one[name], other[name]) for name in one)
    merge(MergeRecipe(**{**as_fields(recipe), "seed": 4}), tmp_path / "seeded")
    assert any(not torch.equal(part, one[name]) for name, part in load_all(tmp_path / "seeded").items())


def as_fields(recipe: MergeRecipe) -> dict:
    return {name: getattr(recipe, name) for name in recipe.__dataclass_fields__}


def test_dare_keeps_and_enlarges_a_share_of_the_changes(tmp_path, save_tensors):
    base, change = torch.zeros(100, 100), torch.ones(100, 100)
    folders = [save_tensors(tmp_path / name, {"w": base + k * change}) for name, k in (("b", 0), ("d", 1), ("a", 2))]
    recipe = align_recipe(
        domain=folders[1], aligned=folders[2], base=folders[0], weights=(1.0, 0.0), method="dare_linear", density=0.25
    )
    merge(recipe, tmp_path / "out")
    found = load_all(tmp_path / "out")["w"]
    assert set(found.unique().tolist()) == {0.0, 4.0}
    assert abs((found > 0).float().mean() - 0.25) < 0.02


def test_weights_by_layer(tmp_path, trio):
    recipe = align(trio, alpha=1.0, layer_alpha={"layers.0": 0.0, "lm_head": 0.5})
    merge(recipe, tmp_path / "out")
    domain, aligned = load_all(trio / "domain"), load_all(trio / "aligned")
    for name, part in load_all(tmp_path / "out").items():
        if ".layers.0." in name:
            assert torch.equal(part, domain[name])
        elif "lm_head" not in name:
            assert torch.equal(part, aligned[name])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("model.embed_tokens.weight", 1.0),
        ("model.layers.0.mlp.up_proj.weight", 0.1),
        ("model.layers.1.self_attn.q_proj.weight", 0.5),
        ("model.layers.2.mlp.up_proj.weight", 0.9),
        ("model.layers.12.mlp.up_proj.weight", 0.9),
        ("model.norm.weight", 0.0),
    ],
)
def test_the_first_rule_that_fits_counts_and_depths_are_interpolated(name, expected):
    rules = (LayerRule("layers.0", 0.1), LayerRule("mlp", 0.9))
    assert LayerWeights((1.0, 0.0), rules).at(name, 3) == pytest.approx(expected)


def test_a_rule_takes_a_range_of_layers():
    rule = LayerRule("model.layers.2-11", 0.3)
    fitting = [layer for layer in range(14) if rule.fits(f"model.layers.{layer}.mlp.weight")]
    assert fitting == list(range(2, 12))
    assert not rule.fits("model.layers.norm")


def test_the_merged_model_loads_and_says_what_it_is(tmp_path, trio):
    merge(align(trio, base=str(trio / "base"), method="task_arithmetic", weights=(1.0, 1.0)), tmp_path / "out")
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "out")
    assert model.dtype == torch.bfloat16
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "out")
    assert torch.isfinite(model(**tokenizer("red blue", return_tensors="pt")).logits).all()
    recipe = json.loads((tmp_path / "out" / "merge_recipe.json").read_text())
    assert recipe["method"] == "task_arithmetic"
    card = (tmp_path / "out" / "README.md").read_text()
    assert "method `task_arithmetic`" in card
    assert str(trio / "base") in card


def test_another_dtype_can_be_asked_for(tmp_path, trio):
    merge(align(trio, dtype="F32"), tmp_path / "out")
    domain, aligned = doubles(trio / "domain", trio / "aligned")
    found = load_all(tmp_path / "out")
    assert all(torch.equal(part, (0.5 * domain[name] + 0.5 * aligned[name]).float()) for name, part in found.items())
    assert AutoModelForCausalLM.from_pretrained(tmp_path / "out", dtype="auto").dtype == torch.float32


def test_a_merge_killed_at_any_tensor_goes_on_to_the_same_bytes(tmp_path, trio):
    recipe = align(trio, alpha=0.4)
    whole = merge(recipe, tmp_path / "whole", max_shard_size="20KB").sha256
    code = (
        "import os, signal, sys\n"
        "from gpu_commons.shards import ShardWriter\n"
        "from safe_finetune.merging import align_recipe, merge\n"
        "left, finish = int(sys.argv[4]), ShardWriter.finish\n"
        "def dying(self, name):\n"
        "    global left\n"
        "    left -= 1\n"
        "    if left < 0: os.kill(os.getpid(), signal.SIGKILL)\n"
        "    finish(self, name)\n"
        "ShardWriter.finish = dying\n"
        "merge(align_recipe(domain=sys.argv[1], aligned=sys.argv[2], alpha=0.4), sys.argv[3], max_shard_size='20KB')\n"
    )
    out = tmp_path / "killed"
    for left in (0, 5):
        arguments = [str(trio / "domain"), str(trio / "aligned"), str(out), str(left)]
        died = subprocess.run([sys.executable, "-c", code, *arguments], check=False, capture_output=True)
        assert died.returncode == -signal.SIGKILL, died.stderr
        assert not out.exists()
    report = merge(recipe, out, max_shard_size="20KB")
    assert report.num_found == 5
    assert report.sha256 == whole


def test_merging_imports_no_torch(tmp_path, trio):
    code = (
        "import sys\n"
        "from safe_finetune.merging import align_recipe, merge\n"
        "merge(align_recipe(domain=sys.argv[1], aligned=sys.argv[2]), sys.argv[3])\n"
        "sys.exit('torch' in sys.modules)\n"
    )
    arguments = [str(trio / "domain"), str(trio / "aligned"), str(tmp_path / "out")]
    done = subprocess.run([sys.executable, "-c", code, *arguments], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_buffers_of_whole_numbers_are_copied(tmp_path, save_tensors):
    places = torch.arange(5)
    folders = [save_tensors(tmp_path / str(k), {"w": torch.full((3,), float(k)), "places": places}) for k in range(2)]
    merge(align_recipe(domain=folders[0], aligned=folders[1]), tmp_path / "out")
    assert torch.equal(load_all(tmp_path / "out")["places"], places)
    save_file({"w": torch.ones(3), "places": places + 1}, tmp_path / "1" / "model.safetensors")
    with pytest.raises(ValueError, match="'places' of dtype I64 is no weight and differs between"):
        merge(align_recipe(domain=folders[0], aligned=folders[1]), tmp_path / "again")
    assert not (tmp_path / "again").exists()


@pytest.mark.parametrize(("policy", "rows"), [("cut", 4), ("pad", 6)])
def test_vocabularies_of_two_sizes(tmp_path, save_tensors, policy, rows):
    sizes = {"d": 4, "a": 6}
    parts = {name: torch.arange(size * 2.0).view(size, 2) * (1 + len(name) * size) for name, size in sizes.items()}
    folders = {name: save_tensors(tmp_path / name, {"embed_tokens.weight": part}) for name, part in parts.items()}
    recipe = align_recipe(domain=folders["d"], aligned=folders["a"], alpha=0.25, vocab_policy=policy)
    merge(recipe, tmp_path / "out")
    found = load_all(tmp_path / "out")["embed_tokens.weight"]
    assert found.shape == (rows, 2)
    assert torch.allclose(found[:4], 0.75 * parts["d"] + 0.25 * parts["a"][:4])
    assert torch.equal(found[4:], parts["a"][4:rows])


def test_arrays_are_not_held_whole(trio):
    """Buffers of a tensor are those of one read, whatever the tensor's size."""
    from gpu_commons.shards import Checkpoint

    with Checkpoint(trio / "domain") as checkpoint:
        name = max(checkpoint.entries, key=lambda one: checkpoint.entries[one].num_elements)
        size = checkpoint.entries[name].num_elements
        tensor = tensors.MergedTensor(name, [checkpoint], None, size)
        assert sum(len(blocks[0]) for _, blocks, _ in tensor) == size
        assert all(len(raw) <= tensors.READ_AT_ONCE * 2 for raw in tensor._raw)
        assert isinstance(next(iter(tensor))[1][0], np.ndarray)
