"""Logits follow from final states, or the model is refused."""

import pytest
import torch

from gpu_commons.kv_cache import decoder_of
from gpu_commons.projection import check_projection, project
from gpu_commons.testing import tiny_model


@pytest.mark.parametrize(
    ("family", "settings"), [("llama", {}), ("gpt2", {}), ("gemma", {"final_logit_softcapping": 2.0}), ("mamba", {})]
)
@torch.no_grad()
def test_logits_are_the_models_own(family, settings):
    model = tiny_model(family, **settings)
    tokens = torch.tensor([[5, 9, 14]])
    states = decoder_of(model)(tokens, use_cache=False).last_hidden_state
    torch.testing.assert_close(project(model, states), model(tokens, use_cache=False).logits)
    check_projection(model, "unused")


def test_a_model_that_does_more_with_its_logits_is_refused():
    model = tiny_model()
    model.lm_head.register_forward_hook(lambda module, inputs, output: output)
    check_projection(model, "unused")  # a hook that changes nothing is none of our business
    plain = model.forward

    def shifted(*arguments, **settings):
        output = plain(*arguments, **settings)
        output.logits = output.logits + 1
        return output

    model.forward = shifted
    with pytest.raises(ValueError, match="llama post-processes its logits in an unknown way; take another model"):
        check_projection(model, "take another model")
