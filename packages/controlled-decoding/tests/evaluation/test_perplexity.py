"""Continuation likelihoods against a loop that predicts one token at a time."""

import math

import pytest
import torch

from controlled_decoding.evaluation.perplexity import ContinuationNLL, continuation_nll
from gpu_commons.testing import tiny_model, tiny_tokenizer

PAIRS = [
    ("the quick brown", " fox jumps over"),
    ("a model reads a text token by token, and", " every"),
    ("Kindly", " help me with the garden; the weather is lovely"),
    ("numbers such as", ""),
    ("a caf\u00e9 in the", " warm \u2603 sun"),
]


def direct(model, tokenizer, prompt, continuation):
    """Sum of -log p over tokens that end after the prompt, each predicted from exactly the tokens before it."""
    encoded = tokenizer(prompt + continuation, return_offsets_mapping=True)
    ids, nats, count = encoded["input_ids"], 0.0, 0
    for position in range(1, len(ids)):
        if encoded["offset_mapping"][position][1] > len(prompt):
            with torch.no_grad():
                logits = model(torch.tensor([ids[:position]])).logits[0, -1].double()
            nats -= logits.log_softmax(-1)[ids[position]].item()
            count += 1
    return nats, count


@pytest.mark.parametrize("family", ["llama", "gpt2", "gemma"])
def test_batched_sums_equal_a_direct_loop(family, tokenizer):
    model = tiny_model(family)
    found = continuation_nll(model, tokenizer, PAIRS, batch_size=3)
    for (prompt, continuation), (nats, tokens) in zip(PAIRS, found, strict=True):
        expected, count = direct(model, tokenizer, prompt, continuation)
        assert tokens == count
        assert nats == pytest.approx(expected, rel=1e-4, abs=1e-6)


def test_an_empty_continuation_counts_nothing(model, tokenizer):
    assert continuation_nll(model, tokenizer, [("a model", ""), ("", "")]) == [ContinuationNLL(0.0, 0)] * 2
    assert continuation_nll(model, tokenizer, []) == []


def test_without_a_prompt_the_first_token_is_not_counted_unless_a_bos_precedes_it(model, tokenizer):
    (without,) = continuation_nll(model, tokenizer, [("", "the quick brown fox")])
    assert without.tokens == len(tokenizer("the quick brown fox")["input_ids"]) - 1
    with_bos = tiny_tokenizer()
    from tokenizers.processors import TemplateProcessing

    with_bos.backend_tokenizer.post_processor = TemplateProcessing(
        single="<bos> $A <eos>", special_tokens=[("<bos>", 1), ("<eos>", 2)]
    )
    (with_one,) = continuation_nll(model, with_bos, [("", "the quick brown fox")])
    assert with_one.tokens == without.tokens + 1


def test_an_indifferent_model_has_the_perplexity_of_its_vocabulary(tokenizer):
    model = tiny_model("gpt2")
    torch.nn.init.zeros_(model.lm_head.weight)
    for nats, tokens in continuation_nll(model, tokenizer, PAIRS[:3]):
        assert math.exp(nats / tokens) == pytest.approx(320, rel=1e-5)
