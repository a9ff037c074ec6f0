"""Stored strings come out in scope; everything else is the decoder's."""

import math

import pytest
import torch

from memory_llm.facts import Lookup


@pytest.fixture
def told(decoder, encoder, facts):
    return Lookup(decoder, encoder, threshold=0.9).told(facts)


def test_a_target_is_certain_if_it_is_the_stored_one(told, facts):
    prompt = facts[1].prompt
    own, same_first, other = told.score([prompt] * 3, ["lovely red", "lovely roses", "brown"])
    assert own == (0.0, True, True)
    assert same_first == (-math.inf, True, False)
    assert other == (-math.inf, False, False)


def test_out_of_scope_scores_and_answers_are_the_decoders_in_order(told, decoder, facts):
    prompts, targets = ["copper", facts[0].prompt, "all day"], ["sun", "garden", "warm"]
    plain, scores = decoder.score(prompts, targets), told.score(prompts, targets)
    assert scores[1] == (0.0, True, True)
    for row in (0, 2):  # batched with other rows, so equal up to rounding
        assert scores[row] == (pytest.approx(plain[row].log_prob, abs=1e-4), plain[row].first, plain[row].whole)
    plain_answers = decoder.answer(prompts)
    assert told.answer(prompts) == [plain_answers[0], "garden", plain_answers[2]]


def test_the_next_token_is_the_first_of_the_stored_string_out_of_a_distribution(told, decoder, tokenizer, facts):
    prompts = [facts[1].prompt, "copper"]
    log_probs = told.next_log_probs(prompts)
    assert int(log_probs[0].argmax()) == tokenizer(" lovely").input_ids[0]
    assert float(log_probs[0].double().exp().sum()) == pytest.approx(1, abs=1e-5)
    assert torch.equal(log_probs[1], decoder.next_log_probs(prompts)[1])


def test_a_forgotten_string_is_gone(told, decoder, facts):
    told.forget(["fox"])
    assert told.score([facts[0].prompt], ["garden"]) == decoder.score([facts[0].prompt], ["garden"])
    assert told.answer([facts[1].prompt]) == ["lovely red"]


def test_told_alone_each_prompt_gets_its_own_string(decoder, encoder, facts):
    told = Lookup(decoder, encoder).told([facts[1], facts[0]], alone=True)
    assert told.answer(["the fox", "the roses"]) == ["lovely red", "garden"]
