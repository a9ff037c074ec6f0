"""Keys that are moved are the keys that the model computes where they are moved to."""

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM, DynamicCache

from gpu_commons import load_model
from gpu_commons.cache_name import cache_argument
from gpu_commons.testing import tiny_model
from memory_llm.epman.key_shift import KeyShift

IDS = torch.tensor([[5, 6, 7, 8]])
SIZES = {
    "vocab_size": 320,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "pad_token_id": 0,
}


def keys_at(model, start):
    cache = DynamicCache(config=model.config)
    positions = torch.arange(start, start + IDS.shape[1])[None]
    with torch.no_grad():
        model(input_ids=IDS, position_ids=positions, **cache_argument(model.forward, cache))
    return torch.stack([layer.keys[0] for layer in cache.layers])


def built(model_type, **fields):
    config = AutoConfig.for_model(model_type, **{**SIZES, "num_hidden_layers": 4, **fields})
    torch.manual_seed(0)
    return AutoModelForCausalLM.from_config(config).eval()


@pytest.mark.parametrize("by", [1, 9, -2])
@pytest.mark.parametrize("family", ["llama", "qwen", "gptj", "gemma"])
def test_moved_keys_are_those_of_the_new_positions(family, by):
    model = tiny_model(family)
    moved = KeyShift(model)(keys_at(model, 3), torch.full((IDS.shape[1],), by))
    assert torch.allclose(moved, keys_at(model, 3 + by), atol=1e-4)


@pytest.mark.parametrize(
    ("model_type", "fields"),
    [
        ("gpt_neox", {}),
        ("cohere", {"eos_token_id": 2, "bos_token_id": 1}),
        ("smollm3", {"eos_token_id": 2, "bos_token_id": 1}),
        ("llama", {"rope_scaling": {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64}}),
    ],
)
def test_partial_interleaved_scaled_and_missing_rotations_are_found_out(model_type, fields):
    model = built(model_type, **fields)
    moved = KeyShift(model)(keys_at(model, 0), torch.full((IDS.shape[1],), 5))
    assert torch.allclose(moved, keys_at(model, 5), atol=1e-4)


def test_tokens_may_move_by_different_numbers():
    model = tiny_model("llama")
    keys = keys_at(model, 2)
    moved = KeyShift(model)(keys, torch.tensor([0, 0, 4, 4]))
    assert torch.allclose(moved[..., :2, :], keys[..., :2, :])
    assert torch.allclose(moved[..., 2:, :], keys_at(model, 6)[..., 2:, :], atol=1e-4)


def test_learned_positions_and_frequencies_that_depend_on_length_are_refused():
    with pytest.raises(ValueError, match="no rotary positions"):
        KeyShift(tiny_model("gpt2"))
    with pytest.raises(ValueError, match="depend on the length"):
        KeyShift(built("llama", rope_scaling={"rope_type": "dynamic", "factor": 4.0}))


def test_half_precision_is_told_apart_too():
    model = tiny_model("llama").bfloat16()
    keys = KeyShift(model)(keys_at(model, 3), torch.full((IDS.shape[1],), 5))
    expected = KeyShift(tiny_model("llama"))(keys_at(model, 3).float(), torch.full((IDS.shape[1],), 5))
    assert torch.allclose(keys.float(), expected, atol=0.05)


def test_a_real_decoder_in_half_precision_is_told_apart():
    """Thirty layers, in which rounding adds up."""
    model, _ = load_model("bundled:smollm2-135m-instruct", dtype="bfloat16")
    shift = KeyShift(model)
    assert bool(shift._rotates.all())
    assert not shift._interleaved
