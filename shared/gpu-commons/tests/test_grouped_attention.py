"""Folded query heads attend as repeated keys and values do, and the model is left as it was."""

import pytest
import torch
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from gpu_commons.grouped_attention import grouped_attention, grouped_sdpa
from gpu_commons.kv_cache import tree_mask
from gpu_commons.testing import tiny_model


class Layer(torch.nn.Module):
    """What transformers' attention function asks of the module that calls it."""

    def __init__(self, num_key_value_groups: int):
        super().__init__()
        self.num_key_value_groups = num_key_value_groups
        self.is_causal = True


@pytest.mark.parametrize("group", [1, 2, 4])
@pytest.mark.parametrize("scaling", [None, 0.3])
def test_folding_equals_repeating(group, scaling):
    generator = torch.Generator().manual_seed(0)
    query = torch.randn(2, 4, 3, 8, generator=generator)
    key, value = torch.randn(2, 2, 4 // group, 9, 8, generator=generator)
    context = torch.ones(2, 6, dtype=torch.bool)
    context[1, :4] = False
    mask = tree_mask(context, 3, torch.float32)
    expected, _ = sdpa_attention_forward(Layer(group), query, key, value, mask, scaling=scaling)
    found, _ = grouped_sdpa(Layer(group), query, key, value, mask, scaling=scaling)
    torch.testing.assert_close(found, expected)


def test_the_backend_is_restored_whatever_happens():
    model, inside = tiny_model(attn_implementation="sdpa"), []

    def fail():
        with grouped_attention(model.model):
            inside.append(model.config._attn_implementation)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert [*inside, model.config._attn_implementation] == ["grouped_sdpa", "sdpa"]


def test_another_backend_keeps_its_own_attention():
    model = tiny_model(attn_implementation="eager")
    with grouped_attention(model.model):
        assert model.config._attn_implementation == "eager"
