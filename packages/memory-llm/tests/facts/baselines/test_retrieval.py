"""The nearest told fact is found, scope and forgetting respected."""

import numpy as np
import pytest

from memory_llm.facts.baselines import FactIndex

QUESTIONS = ["where sleeps the quick fox", "roses have the colour", "how feels our weather"]


def ids(found):
    return [fact and fact.id for fact in found]


def test_each_question_finds_the_fact_it_shares_words_with(facts, encoder):
    assert ids(FactIndex(facts, encoder).find(QUESTIONS)) == ["fox", "roses", "weather"]


def test_below_the_threshold_nothing_is_found(facts, encoder):
    """The question shares 3 of its 4 words with the 4 of its key: cosine 0.75."""
    assert ids(FactIndex(facts, encoder, threshold=0.74).find(QUESTIONS[2:])) == ["weather"]
    assert ids(FactIndex(facts, encoder, threshold=0.76).find(QUESTIONS[2:])) == [None]


def test_told_alone_a_question_sees_its_own_fact_only(facts, encoder):
    told = [facts[1], facts[0], facts[2]]
    assert ids(FactIndex(told, encoder, alone=True).find(QUESTIONS)) == ["roses", "fox", "weather"]
    assert ids(FactIndex(told, encoder, alone=True, threshold=0.5).find(QUESTIONS)) == [None, None, "weather"]


def test_a_forgotten_fact_leaves_its_questions_to_the_next(facts, encoder):
    index = FactIndex(facts, encoder)
    index.forget(["fox"])
    assert ids(index.find(["the quick fox of roses"])) == ["roses"]
    index.forget(["roses", "weather"])
    assert ids(index.find(QUESTIONS)) == [None] * 3


def test_told_alone_a_forgotten_fact_leaves_its_question_without_one(facts, encoder):
    index = FactIndex(facts, encoder, alone=True)
    index.forget(["roses"])
    assert ids(index.find(QUESTIONS)) == ["fox", None, "weather"]


def test_a_text_that_comes_twice_is_embedded_once(facts, encoder):
    FactIndex([facts[0]] * 3, encoder, alone=True).find(["the fox"] * 3)
    assert encoder.calls == [[facts[0].prompt], ["the fox"]]


def test_what_was_not_told_cannot_be_forgotten_nor_twice(facts, encoder):
    index = FactIndex(facts, encoder)
    index.forget(["fox"])
    for unknown in ("fox", "hen"):
        with pytest.raises(ValueError, match=rf"no told fact has the id '{unknown}' \(2 are known\)"):
            index.forget([unknown])


def test_facts_told_alone_need_as_many_prompts(facts, encoder):
    with pytest.raises(ValueError, match="3 facts were told alone, so each question needs that many prompts, got 1"):
        FactIndex(facts, encoder, alone=True).find(["the fox"])


def test_an_empty_index_finds_nothing(encoder):
    assert FactIndex([], encoder).find(["the fox"]) == [None]


@pytest.mark.real_model
def test_minilm_finds_facts_by_paraphrase(facts):
    from gpu_commons import SentenceEncoder

    encoder = SentenceEncoder()
    assert np.allclose(np.linalg.norm(encoder.embed(["a"]), axis=1), 1, atol=1e-5)
    index = FactIndex(facts, encoder, threshold=0.3)
    assert ids(index.find(["which hue do rose petals have", "a fox naps", "the price of copper"])) == [
        "roses",
        "fox",
        None,
    ]
