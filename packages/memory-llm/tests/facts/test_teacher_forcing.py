"""Batched scores equal a loop over single questions, with the tokens joined by hand."""

import math

import pytest
import torch

from gpu_commons.testing import tiny_model
from memory_llm.facts import next_log_probs, plain_forward, score_targets

PROMPTS = ["the", "numbers such as 0 1 2 3 and", "a model reads", "the quick brown fox jumps over"]
TARGETS = ["garden", "quick brown", "sun", "z"]


@torch.no_grad()
def alone(model, tokenizer, prompt, target):
    """Mean log-probability, and the greedy hits token by token."""
    ids, log_probs, hits = tokenizer(prompt).input_ids, [], []
    for token in tokenizer(" " + target).input_ids:
        logits = model(torch.tensor([ids])).logits[0, -1].double()
        log_probs.append(float(logits[token] - logits.logsumexp(0)))
        hits.append(int(logits.argmax()) == token)
        ids = [*ids, token]
    return sum(log_probs) / len(log_probs), hits[0], all(hits)


@pytest.mark.parametrize("family", ["llama", "gpt2"])
@pytest.mark.parametrize("batch_size", [1, 3])
def test_batched_scores_equal_a_loop_over_single_questions(tokenizer, family, batch_size):
    model = tiny_model(family)
    scores = score_targets(plain_forward(model), tokenizer, PROMPTS, TARGETS, batch_size=batch_size)
    for prompt, target, score in zip(PROMPTS, TARGETS, scores, strict=True):
        log_prob, first, whole = alone(model, tokenizer, prompt, target)
        assert score.log_prob == pytest.approx(log_prob, abs=1e-4)
        assert (score.first, score.whole) == (first, whole)


@pytest.mark.parametrize(("wrong_at", "first", "whole"), [(None, True, True), (0, False, False), (1, True, False)])
def test_first_is_about_the_first_token_and_whole_about_all(tokenizer, wrong_at, first, whole):
    """The callable wants the target's tokens at their places, except token 0 where it is to be wrong."""
    start, target = len(tokenizer("the sun").input_ids) - 1, tokenizer(" quick brown").input_ids
    assert len(target) > 1

    def forward(ids, mask, rows):
        logits = torch.zeros(*ids.shape, 320)
        for place, token in enumerate(target):
            logits[0, start + place, 0 if place == wrong_at else token] = 9.0
        return logits

    (score,) = score_targets(forward, tokenizer, ["the sun"], ["quick brown"])
    assert (score.first, score.whole) == (first, whole)


def test_a_uniform_model_gives_every_target_minus_the_log_of_the_vocabulary(tokenizer):
    scores = score_targets(
        lambda ids, mask, rows: torch.zeros(*ids.shape, 320), tokenizer, PROMPTS, TARGETS, batch_size=2
    )
    assert [score.log_prob for score in scores] == pytest.approx([-math.log(320)] * 4, abs=1e-5)


def test_the_callable_learns_which_questions_its_rows_are(tokenizer):
    """Each question wants its own token, named by the row number; any mix-up makes a hit a miss."""
    firsts = [tokenizer(" " + target).input_ids[0] for target in TARGETS]

    def forward(ids, mask, rows):
        logits = torch.zeros(*ids.shape, 320)
        for place, row in enumerate(rows):
            parts = (tokenizer(PROMPTS[row]).input_ids, tokenizer(" " + TARGETS[row]).input_ids)
            assert int(mask[place].sum()) == sum(map(len, parts)) - 1
            logits[place, :, firsts[row]] = 9.0
        return logits

    assert all(score.first for score in score_targets(forward, tokenizer, PROMPTS, TARGETS, batch_size=3))


def test_next_log_probs_are_those_after_the_last_token_of_each_prompt(model, tokenizer):
    found = next_log_probs(plain_forward(model), tokenizer, PROMPTS, batch_size=3)
    for row, prompt in enumerate(PROMPTS):
        with torch.no_grad():
            logits = model(torch.tensor([tokenizer(prompt).input_ids])).logits[0, -1]
        torch.testing.assert_close(found[row], logits.log_softmax(-1), atol=1e-4, rtol=0)


def test_bad_questions_are_refused(model, tokenizer):
    forward = plain_forward(model)
    with pytest.raises(ValueError, match="`prompts` has 2 entries, but `targets` has 1; they go in pairs"):
        score_targets(forward, tokenizer, ["a", "b"], ["c"])
    with pytest.raises(ValueError, match=r"`prompts\[1\]` '' has no tokens; give it a text"):
        score_targets(forward, tokenizer, ["a", ""], ["c", "d"])
    with pytest.raises(ValueError, match="`prompts` is empty; ask at least one"):
        next_log_probs(forward, tokenizer, [])
