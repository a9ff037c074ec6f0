"""Needles are seeded, many, and ask for what they say."""

import numpy as np
import pytest

from memory_llm.haystack.needles import needle, passkey
from memory_llm.haystack.scoring import is_correct


def draws(make, number):
    rng = np.random.default_rng(0)
    return [make(rng) for _ in range(number)]


@pytest.mark.parametrize("make", [passkey, needle])
def test_the_same_seed_draws_the_same_needle(make):
    assert draws(make, 20) == draws(make, 20)
    assert len({drawn.sentence for drawn in draws(make, 20)}) > 10


@pytest.mark.parametrize("make", [passkey, needle])
def test_the_cue_begins_the_sentence_and_what_follows_is_the_answer(make):
    for drawn in draws(make, 50):
        assert drawn.sentence.startswith(f"{drawn.cue} {drawn.answer}.")
        assert is_correct(drawn.sentence.removeprefix(drawn.cue), drawn.answer)
        assert not is_correct(drawn.question + drawn.cue, drawn.answer)


def test_a_pass_key_has_five_digits_and_is_said_twice():
    for drawn in draws(passkey, 50):
        assert drawn.answer.isdecimal()
        assert len(drawn.answer) == 5
        assert drawn.sentence == f"The pass key is {drawn.answer}. Remember it. {drawn.answer} is the pass key."
        assert (drawn.question, drawn.cue) == ("What is the pass key?", "The pass key is")


def test_there_are_a_thousand_needles_and_more():
    assert len({drawn.sentence for drawn in draws(needle, 6000)}) >= 1000
