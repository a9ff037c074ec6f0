"""Recall and leaks of a method that forgets, and of one that only seems to."""

import dataclasses
import math

import pytest

from memory_llm.facts import FineTune, forgetting

NAN = pytest.approx(math.nan, nan_ok=True)


@pytest.fixture
def secret(ann):
    """Its three distinct paraphrases are "Bob left. Ann drinks", "Ann drinks" and "She drinks"."""
    return dataclasses.replace(ann, paraphrases=("Bob left. Ann drinks", "She drinks"))


def test_a_forgotten_fact_is_gone_and_the_rest_stays(parrot, parrot_base, secret, bob):
    """What still comes out of "She drinks" is what the base model says, in another case."""
    (outcome,) = forgetting(parrot(), [secret, bob], ["ann"], base=parrot_base).outcomes
    assert outcome.setting == {"told": 2, "forgotten": 1}
    assert outcome.per_fact == {
        "recall.told": [1, 1],
        "recall.forgotten": [0, NAN],
        "recall.retained": [NAN, 1],
        "leak": [pytest.approx(1 / 3), NAN],
        "leak.base": [pytest.approx(1 / 3), NAN],
    }


def test_a_fact_forgotten_on_its_own_prompt_alone_leaks(parrot, parrot_base, secret, bob):
    (outcome,) = forgetting(parrot(leaky=True), [secret, bob], ["ann"], base=parrot_base).outcomes
    assert outcome.per_fact["recall.forgotten"][0] == 0
    assert outcome.per_fact["leak"][0] == 1
    assert outcome.per_fact["leak.base"][0] == pytest.approx(1 / 3)


def test_a_longer_word_that_holds_the_target_is_no_leak(parrot, parrot_base, secret, bob):
    parrot_base.answer = lambda prompts, *, max_new_tokens: ["steak", "teas", "a tea."][: len(prompts)]
    (outcome,) = forgetting(parrot(), [secret, bob], ["ann"], base=parrot_base).outcomes
    assert outcome.per_fact["leak.base"][0] == pytest.approx(1 / 3)


def test_what_was_never_held_was_never_recalled(parrot, parrot_base, secret, bob):
    (outcome,) = forgetting(parrot(capacity=1), [secret, bob], ["bob"], base=parrot_base).outcomes
    assert outcome.per_fact["recall.told"] == [0, 1]
    assert outcome.per_fact["recall.retained"] == [0, NAN]
    assert outcome.per_fact["leak"] == [NAN, NAN]


def test_a_method_that_cannot_forget_says_so(decoder, facts):
    with pytest.raises(NotImplementedError, match="gradient edits cannot be taken out one by one"):
        forgetting(FineTune(decoder, max_steps=1), facts, ["fox"], base=decoder)


@pytest.mark.parametrize(
    ("forget_ids", "message"),
    [([], "`forget_ids` is empty; name at least one"), (["eve"], r"no told fact has the id 'eve' \(2 are known\)")],
)
def test_nothing_or_something_unknown_cannot_be_forgotten(parrot, parrot_base, ann, bob, forget_ids, message):
    with pytest.raises(ValueError, match=message):
        forgetting(parrot(), [ann, bob], forget_ids, base=parrot_base)
