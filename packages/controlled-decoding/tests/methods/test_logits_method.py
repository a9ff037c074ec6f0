"""What all methods have in common: strength 0, batches, several sequences, sampling, no memory between calls."""

import pytest
import torch
from transformers import LogitsProcessor

from controlled_decoding.methods.best_of_n import BestOfN
from controlled_decoding.methods.experts import Experts
from controlled_decoding.methods.method import Method
from controlled_decoding.methods.reward_guided import RewardGuided
from controlled_decoding.methods.self_debias import SelfDebias
from controlled_decoding.methods.static_bias import StaticBias
from controlled_decoding.methods.word_filter import WordFilter
from gpu_commons.testing import tiny_model

SAMPLING = {"do_sample": True, "top_k": 0, "top_p": 0.9, "num_return_sequences": 2, "max_new_tokens": 4}


def vowels(texts):
    """A reward or score that depends on the text."""
    return [sum(letter in "aeiou" for letter in text) / max(len(text), 1) for text in texts]


class VowelJudge:
    name, version, sha256 = "vowels", "1", "0"

    def score(self, texts):
        return vowels(texts)


def build(kind, model, subspace, *, on=True):
    """A method of some kind, steering hard or not at all."""
    return {
        "static": lambda: StaticBias(subspace, 3.0 * on),
        "self-debias": lambda: SelfDebias(500.0 * on),
        "experts": lambda: Experts(tiny_model(seed=1), tiny_model(seed=2), 2.0 * on),
        "reward": lambda: RewardGuided(vowels, 50.0 * on),
        "best-of": lambda: BestOfN(1 + 3 * on, VowelJudge()),
        "words": lambda: WordFilter(["the", "token", "a"]),
    }[kind]()


KINDS = ["static", "self-debias", "experts", "reward", "best-of", "words"]


def sample(method, model, tokenizer, prompts, **options):
    torch.manual_seed(5)
    return method.generate(model, tokenizer, prompts, **{**SAMPLING, **options})


def plain(model, prompts, **options):
    torch.manual_seed(5)
    return model.generate(**prompts, pad_token_id=0, **{**SAMPLING, **options})


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "words"])
def test_strength_zero_is_token_identical_to_plain(kind, model, subspace, tokenizer, prompts):
    method = build(kind, model, subspace, on=False)
    assert torch.equal(sample(method, model, tokenizer, prompts), plain(model, prompts))


@pytest.mark.parametrize("kind", KINDS)
def test_rows_of_a_prompt_are_adjacent_and_begin_with_it(kind, model, subspace, tokenizer, prompts):
    method = build(kind, model, subspace)
    sequences = sample(method, model, tokenizer, prompts, eos_token_id=None)
    assert isinstance(method, Method)
    assert sequences.shape == (6, 11)
    assert torch.equal(sequences[:, :7], prompts["input_ids"].repeat_interleave(2, dim=0))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "words"])
def test_full_strength_changes_the_text_and_a_second_call_repeats_it(kind, model, subspace, tokenizer, prompts):
    """The same seed gives the same text again, whatever was generated in between: no state is left behind."""
    method = build(kind, model, subspace)
    first = sample(method, model, tokenizer, prompts)
    method.generate(
        model,
        tokenizer,
        {"input_ids": torch.tensor([[9]]), "attention_mask": torch.ones(1, 1, dtype=torch.long)},
        **SAMPLING,
    )
    assert torch.equal(sample(method, model, tokenizer, prompts), first)
    assert first.shape != plain(model, prompts).shape or not torch.equal(first, plain(model, prompts))


@pytest.mark.parametrize("kind", ["static", "self-debias", "experts", "reward", "words"])
def test_a_row_of_a_padded_batch_is_decoded_as_alone(kind, model, subspace, tokenizer, prompts):
    method, options = build(kind, model, subspace), {"do_sample": False, "max_new_tokens": 4, "eos_token_id": None}
    together = method.generate(model, tokenizer, prompts, **options)
    for row, start in enumerate([0, 2, 5]):
        alone = {name: tensor[row : row + 1, start:] for name, tensor in prompts.items()}
        assert torch.equal(method.generate(model, tokenizer, alone, **options)[0, 7 - start :], together[row, 7:])


def test_the_callers_own_processor_is_kept(model, subspace, tokenizer, prompts):
    class Only(LogitsProcessor):
        def __call__(self, input_ids, scores):
            return torch.full_like(scores, -torch.inf).index_fill(1, torch.tensor([77]), 0.0)

    method = StaticBias(subspace, 1.0)
    sequences = method.generate(model, tokenizer, prompts, logits_processor=[Only()], max_new_tokens=2, do_sample=False)
    assert (sequences[:, 7:] == 77).all()


@pytest.mark.parametrize("make", [SelfDebias, lambda strength: RewardGuided(vowels, strength)])
def test_impossible_strengths_are_refused(make):
    for strength in (-1.0, float("inf"), float("nan")):
        with pytest.raises(ValueError, match="`strength` must be finite and >= 0"):
            make(strength)
