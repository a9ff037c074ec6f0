import pytest
import torch

from controlled_decoding.methods.experts import Experts
from gpu_commons.testing import tiny_model

NUCLEUS = {"do_sample": True, "top_p": 0.9, "top_k": 0, "max_new_tokens": 8}


@pytest.fixture(scope="module")
def expert():
    return tiny_model(seed=1)


@pytest.fixture(scope="module")
def anti_expert():
    return tiny_model("gpt2", seed=2)


def scores_of(model, prompts):
    positions = (prompts["attention_mask"].cumsum(-1) - 1).clamp(min=0)
    with torch.no_grad():
        return model(**prompts, position_ids=positions).logits[:, -1]


def test_equal_experts_cancel(model, expert, tokenizer, prompts):
    torch.manual_seed(0)
    expected = model.generate(**prompts, **NUCLEUS)
    torch.manual_seed(0)
    assert torch.equal(Experts(expert, expert, 3.0).generate(model, tokenizer, prompts, **NUCLEUS), expected)


@pytest.mark.parametrize("alpha", [0.5, 2.0])
def test_kept_scores_are_shifted_by_alpha_times_the_difference(alpha, model, expert, anti_expert, tokenizer, prompts):
    base = scores_of(model, prompts)
    processor = Experts(expert, anti_expert, alpha, top_p=0.8).processor(model, tokenizer, prompts)
    shifted = processor(prompts["input_ids"], base)
    kept = torch.isfinite(shifted)
    expected = base + alpha * (scores_of(expert, prompts) - scores_of(anti_expert, prompts))
    torch.testing.assert_close(shifted[kept], expected[kept], rtol=1e-4, atol=1e-4)


def test_the_nucleus_is_the_base_models(model, expert, anti_expert, tokenizer, prompts):
    """What is kept has at least top_p of the base probability, and less without its least probable token."""
    base = scores_of(model, prompts)
    processor = Experts(expert, anti_expert, 2.0, top_p=0.8).processor(model, tokenizer, prompts)
    kept = torch.isfinite(processor(prompts["input_ids"], base))
    for p, keep in zip(base.softmax(-1), kept, strict=True):
        assert p[keep].sum() >= 0.8
        assert p[keep].sum() - p[keep].min() < 0.8


def test_an_absent_reader_is_replaced_by_the_base_model(model, expert, tokenizer, prompts):
    base, other = scores_of(model, prompts), scores_of(expert, prompts)
    only_expert = Experts(expert, None, 1.5, top_p=1.0).processor(model, tokenizer, prompts)(prompts["input_ids"], base)
    only_anti = Experts(None, expert, 1.5, top_p=1.0).processor(model, tokenizer, prompts)(prompts["input_ids"], base)
    torch.testing.assert_close(only_expert, base + 1.5 * (other - base), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(only_anti, base + 1.5 * (base - other), rtol=1e-4, atol=1e-4)


def test_excluded_tokens_stay_excluded(model, expert, tokenizer, prompts):
    base = scores_of(model, prompts)
    base[:, 5] = -torch.inf
    shifted = Experts(expert, None, 1.0, top_p=1.0).processor(model, tokenizer, prompts)(prompts["input_ids"], base)
    assert (shifted[:, 5] == -torch.inf).all()
    assert not shifted.isnan().any()


def test_bad_arguments_are_explained(model, expert, tokenizer, prompts):
    with pytest.raises(ValueError, match="both None"):
        Experts(None, None)
    with pytest.raises(ValueError, match=r"`top_p` must be in \(0, 1\]"):
        Experts(expert, None, top_p=0.0)
    foreign = tiny_model(vocab_size=300)
    with pytest.raises(ValueError, match="`anti_expert` has a vocabulary of 300 tokens and the model one of 320"):
        Experts(expert, foreign).generate(model, tokenizer, prompts, max_new_tokens=1)
