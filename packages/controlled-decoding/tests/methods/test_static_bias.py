import pytest
import torch
from transformers import LogitsProcessor

from controlled_decoding.hidden_state import HiddenSite
from controlled_decoding.methods.static_bias import StaticBias, vocabulary_bias
from gpu_commons.testing import tiny_model


def test_bias_is_the_projected_output_embedding_in_standard_deviations(model, subspace):
    products = model.lm_head.weight @ subspace.weight
    bias = vocabulary_bias(subspace, model)
    expected = (products - products.mean()) / products.std()
    torch.testing.assert_close(bias[3:], expected[3:])
    assert (bias[:3] == 0).all(), "pad, begin and end keep their probability"
    assert float(bias.std()) == pytest.approx(1.0, abs=0.02)


def test_generation_equals_adding_the_projection_by_hand(model, subspace, tokenizer, prompts):
    class ByHand(LogitsProcessor):
        def __call__(self, input_ids, scores):
            products = model.lm_head.weight @ subspace.weight
            bias = 2.5 * (products - products.mean()) / products.std()
            bias[:3] = 0.0
            return scores + bias

    options = {"max_new_tokens": 8, "do_sample": False}
    expected = model.generate(**prompts, logits_processor=[ByHand()], **options)
    assert torch.equal(StaticBias(subspace, 2.5).generate(model, tokenizer, prompts, **options), expected)


def test_shift_is_that_of_a_final_state_moved_along_the_direction(model, subspace):
    """Up to scale and a constant, the bias is what the head gives for w."""
    hidden = torch.randn(32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        moved = model.lm_head(hidden + 0.7 * subspace.weight) - model.lm_head(hidden)
    bias = vocabulary_bias(subspace, model)
    correlation = torch.corrcoef(torch.stack([moved[3:], bias[3:]]))[0, 1]
    assert float(correlation) == pytest.approx(1.0, abs=1e-5)


def test_subspaces_before_the_final_norm_and_of_other_models_are_refused(model, make_subspace, tokenizer, prompts):
    for site in (HiddenSite.of(model, 1), HiddenSite.of(model, -1, normed=False)):
        early = make_subspace(model)
        object.__setattr__(early, "site", site)
        with pytest.raises(ValueError, match="after the final norm"):
            StaticBias(early).generate(model, tokenizer, prompts, max_new_tokens=1)
    other = make_subspace(tiny_model(hidden_size=16))
    with pytest.raises(ValueError, match="width"):
        StaticBias(other).generate(model, tokenizer, prompts, max_new_tokens=1)
