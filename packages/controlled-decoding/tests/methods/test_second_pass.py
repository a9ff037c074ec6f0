import pytest
import torch

from controlled_decoding.methods.second_pass import SecondPass
from gpu_commons.testing import tiny_model


def direct_logits(model, tokens, mask):
    """The model's next-token logits without any cache."""
    positions = (mask.cumsum(-1) - 1).clamp(min=0)
    with torch.no_grad():
        return model(input_ids=tokens, attention_mask=mask, position_ids=positions).logits[:, -1]


@pytest.mark.parametrize("family", ["llama", "gpt2", "gemma-sliding"])
def test_cached_logits_equal_a_reading_from_the_start(family, prompts):
    """Through growth, repetition of rows and exchange of beams."""
    model = tiny_model(family)
    reader = SecondPass(model, **prompts, prompt_columns=7)
    tokens, mask = (tensor.repeat_interleave(2, dim=0) for tensor in (prompts["input_ids"], prompts["attention_mask"]))
    generator = torch.Generator().manual_seed(0)
    for step in range(5):
        torch.testing.assert_close(reader.logits(tokens), direct_logits(model, tokens, mask), rtol=1e-4, atol=1e-4)
        if step == 2:
            tokens = tokens[[1, 1, 3, 2, 4, 5]]
        new = torch.randint(3, 320, (6, 1), generator=generator)
        tokens, mask = torch.cat([tokens, new], dim=-1), torch.nn.functional.pad(mask, (0, 1), value=1)


def test_another_call_needs_another_reader(model, prompts):
    reader = SecondPass(model, **prompts, prompt_columns=7)
    reader.logits(prompts["input_ids"])
    with pytest.raises(ValueError, match="7 columns where 8 were expected; make a new processor"):
        reader.logits(prompts["input_ids"])
    with pytest.raises(ValueError, match="do not continue what was read"):
        reader.logits(torch.full((3, 8), 4))
