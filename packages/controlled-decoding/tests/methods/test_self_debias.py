import math

import pytest
import torch
from transformers import LogitsProcessorList

from controlled_decoding.methods.self_debias import SelfDebias, announced


def test_announcement_comes_after_the_begin_token_and_before_the_prompt():
    tokens = torch.tensor([[1, 5, 6], [0, 0, 7]])
    mask = torch.tensor([[1, 1, 1], [0, 0, 1]])
    opened, grown = announced(tokens, mask, [8, 9], bos_token_id=1)
    assert opened.tolist() == [[1, 8, 9, 5, 6], [0, 0, 8, 9, 7]]
    assert grown.tolist() == [[1, 1, 1, 1, 1], [0, 0, 1, 1, 1]]


def test_distribution_is_the_paper_formula(model, tokenizer, prompts):
    """Against p * alpha(Delta), token by token, over several steps of a left-padded batch."""
    decay, method = 40.0, SelfDebias(40.0, description="something else")
    processor = method.processor(model, tokenizer, prompts)
    words = tokenizer(method.announcement, add_special_tokens=False)["input_ids"]
    tokens, mask = prompts["input_ids"], prompts["attention_mask"]
    for new in (11, 12, 13):
        p = next_token(model, tokens, mask)
        p_announced = next_token(model, *announced(tokens, mask, words, tokenizer.bos_token_id))
        expected = torch.tensor(
            [reweighted(*rows, decay) for rows in zip(p.tolist(), p_announced.tolist(), strict=True)]
        )
        torch.testing.assert_close(processor(tokens, p.log()).softmax(-1), expected, rtol=1e-4, atol=1e-6)
        tokens = torch.cat([tokens, torch.full((3, 1), new)], dim=-1)
        mask = torch.nn.functional.pad(mask, (0, 1), value=1)


def reweighted(p, p_announced, decay):
    """The paper's formula in plain Python."""
    deltas = [here - there for here, there in zip(p, p_announced, strict=True)]
    weights = [here * (math.exp(decay * delta) if delta < 0 else 1.0) for here, delta in zip(p, deltas, strict=True)]
    return [weight / sum(weights) for weight in weights]


def next_token(model, tokens, mask):
    positions = (mask.cumsum(-1) - 1).clamp(min=0)
    with torch.no_grad():
        logits = model(input_ids=tokens, attention_mask=mask, position_ids=positions).logits[:, -1]
    return logits.softmax(-1)


def test_beams_are_followed(model, tokenizer, prompts):
    """Beam search through the processor equals beam search through one that re-reads everything."""

    class Naive:
        def __init__(self, words):
            self.words = words

        def __call__(self, input_ids, scores):
            mask = prompts["attention_mask"].repeat_interleave(len(input_ids) // 3, dim=0)
            mask = torch.nn.functional.pad(mask, (0, input_ids.shape[1] - 7), value=1)
            opened, grown = announced(input_ids, mask, self.words, tokenizer.bos_token_id)
            difference = scores.softmax(-1) - next_token(model, opened, grown)
            return scores + 200.0 * difference.clamp(max=0.0)

    method, options = SelfDebias(200.0), {"num_beams": 3, "max_new_tokens": 5, "do_sample": False}
    words = tokenizer(method.announcement, add_special_tokens=False)["input_ids"]
    expected = model.generate(**prompts, logits_processor=LogitsProcessorList([Naive(words)]), **options)
    assert torch.equal(method.generate(model, tokenizer, prompts, **options), expected)
    assert not torch.equal(model.generate(**prompts, **options), expected)


def test_an_empty_announcement_is_refused(model, tokenizer, prompts):
    with pytest.raises(ValueError, match="`announcement` is empty"):
        SelfDebias(50.0, announcement="").generate(model, tokenizer, prompts, max_new_tokens=1)
