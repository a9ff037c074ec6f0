"""Figures of a method that can be worked out by hand."""

import math

import pytest
import torch

from memory_llm.facts import Fact, InContext, Lookup, evaluate


def values(report, index=0):
    return report.outcomes[index].per_fact


def test_facts_told_alone_give_the_figures_worked_out_by_hand(parrot, parrot_base, ann, bob):
    """Ann: one of two paraphrases names her, and so does one of two neighbours. Bob has nothing but his prompt.

    The neighbour that is taken moves from (.75, .25) to (.25, .75): .75 log 3 + .25 log 1/3 = .5 log 3 nats.
    """
    found = values(evaluate(parrot(), [ann, bob], base=parrot_base))
    nan = pytest.approx(math.nan, nan_ok=True)
    assert found == {
        "reliability.s": [1.0, nan],
        "reliability.first": [1.0, 1.0],
        "reliability.whole": [1.0, 1.0],
        "paraphrase_full.s": [0.5, nan],
        "paraphrase_full.first": [0.5, nan],
        "paraphrase_full.whole": [0.5, nan],
        "paraphrase_stripped.s": [0.5, nan],
        "paraphrase_stripped.first": [0.5, nan],
        "paraphrase_stripped.whole": [0.5, nan],
        "locality.success": [0.5, nan],
        "locality.same_top1": [0.5, nan],
        "locality.kl": [pytest.approx(0.25 * math.log(3), abs=1e-6), nan],
    }


def test_told_together_the_lead_in_of_a_paraphrase_draws_the_wrong_fact(parrot, parrot_base, ann, bob):
    """With Bob held first, "Bob left. Ann drinks" gets his milk; without the lead-in Ann's tea."""
    report = evaluate(parrot(), [bob, ann], base=parrot_base, num_together=[1, 2])
    full = [values(report, index)["paraphrase_full.whole"][1] for index in range(3)]
    stripped = [values(report, index)["paraphrase_stripped.whole"][1] for index in range(3)]
    assert [outcome.setting for outcome in report.outcomes] == [{"told": 1}, {"told": 1}, {"told": 2}]
    assert full == [0.5, 0.5, 0.0]
    assert stripped == [0.5, 0.5, 0.5]


def test_equal_log_probabilities_are_no_success(parrot, parrot_base, ann, bob):
    """Where Bob's milk is said, Ann's new and old target are equally unlikely."""
    found = values(evaluate(parrot(), [bob, ann], base=parrot_base, alone=False, num_together=[2]))
    assert found["paraphrase_full.s"][1] == 0.0


def test_groups_are_consecutive_and_the_remainder_is_left_out(parrot, parrot_base):
    """Each group of two holds its last fact only, so that every second one is known."""
    facts = [Fact(id=str(n), prompt=f"Person{n}x likes", target="tea", subject=f"Person{n}x") for n in range(7)]
    report = evaluate(parrot(capacity=1), facts, base=parrot_base, alone=False, num_together=[2])
    (outcome,) = report.outcomes
    assert outcome.fact_ids == ["0", "1", "2", "3", "4", "5"]
    assert outcome.per_fact["reliability.whole"] == [0.0, 1.0] * 3
    assert outcome.intervals["reliability.whole"].value == 0.5


def test_more_facts_and_neighbours_than_fit_at_once_are_all_measured(parrot, parrot_base):
    """Fact n has n neighbours with its subject of n + 3, hence a rate of same tokens of 3 / (n + 3)."""
    facts = [
        Fact(
            id=str(n),
            prompt=f"P{n}x likes",
            target="tea",
            subject=f"P{n}x",
            neighbours=("Eve", "Ida", "Max", *(f"P{n}x meets {m}" for m in range(n))),
        )
        for n in range(40)
    ]
    report = evaluate(parrot(), facts, base=parrot_base, num_together=[40])
    for outcome in report.outcomes:
        assert outcome.per_fact["locality.same_top1"] == pytest.approx([3 / (n + 3) for n in range(40)])
        assert all(map(math.isnan, outcome.per_fact["locality.success"]))


def test_the_model_without_edit_differs_from_itself_by_nothing(decoder, facts):
    fact = Fact(**{**vars(facts[0]), "neighbours": ("a model reads", "the lazy dog"), "neighbour_target": "text"})
    found = values(evaluate(decoder, [fact], base=decoder, num_together=[1]))
    assert found["locality.same_top1"] == [1.0]
    assert found["locality.kl"] == [pytest.approx(0.0, abs=1e-9)]


def test_a_lookup_of_the_own_fact_is_always_right_and_takes_every_neighbour(decoder, encoder, facts):
    fact = Fact(**{**vars(facts[0]), "neighbours": ("the fox", "the dog"), "neighbour_target": "sun"})
    found = values(evaluate(Lookup(decoder, encoder), [fact], base=decoder))
    assert [found[f"reliability.{measure}"] for measure in ("s", "first", "whole")] == [[1.0]] * 3
    assert found["locality.success"] == [0.0]
    assert 1 < found["locality.kl"][0] < 30


def test_an_infinite_divergence_is_not_hidden(parrot, parrot_base, ann):
    answerer = parrot().told([ann])
    answerer.next_log_probs = lambda prompts: torch.tensor([[0.0, -math.inf]] * len(prompts))
    method = parrot()
    method.told = lambda facts, *, alone=False: answerer
    found = values(evaluate(method, [ann], base=parrot_base, alone=False, num_together=[1]))
    assert found["locality.kl"] == [math.inf]


def test_told_alone_a_method_in_context_is_given_each_facts_own_sentence(decoder, encoder, facts):
    method = InContext(decoder, encoder)
    found = values(evaluate(method, facts, base=decoder))
    for row, fact in enumerate(facts):
        prompt = f"New fact: {fact.text}\nPrompt: {fact.prompt}"
        new, old = decoder.score([prompt] * 2, [fact.target, fact.old_target])
        assert found["reliability.s"][row] == float(new.log_prob > old.log_prob)
        assert found["reliability.whole"][row] == float(new.whole)


@pytest.mark.parametrize("number", [0, 3])
def test_a_number_together_that_cannot_be_is_refused(parrot, parrot_base, ann, bob, number):
    with pytest.raises(ValueError, match=rf"`num_together` must be in \[1, 2\], the number of facts, got {number}"):
        evaluate(parrot(), [ann, bob], base=parrot_base, num_together=[1, number])


def test_no_facts_are_refused(parrot, parrot_base):
    with pytest.raises(ValueError, match="`facts` is empty; give at least one"):
        evaluate(parrot(), [], base=parrot_base)
