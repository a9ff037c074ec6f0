"""The decoder is given the fact, in the wording asked for, and nothing out of scope."""

import pytest
import torch

from memory_llm.facts import WORDINGS, Fact, InContext

FOX = "the quick fox sleeps in the garden."


@pytest.mark.parametrize(
    ("wording", "expected"),
    [
        ("plain", f"{FOX}\nwhere is the fox"),
        ("new-fact", f"New fact: {FOX}\nPrompt: where is the fox"),
        ("Know {text} {x}! {prompt} is", f"Know {FOX} {{x}}! where is the fox is"),
    ],
)
def test_the_nearest_fact_stands_before_the_prompt(decoder, encoder, facts, wording, expected):
    told = InContext(decoder, encoder, wording=wording).told(facts)
    assert told.with_facts(["where is the fox"]) == [expected]


def test_demonstrations_come_first_and_are_three(decoder, encoder, facts):
    (prompt,) = InContext(decoder, encoder, wording="demonstrations").told(facts).with_facts(["the fox"])
    assert prompt.count("New fact: ") == 4
    assert prompt.endswith(f"New fact: {FOX}\nPrompt: the fox")


def test_braces_of_facts_and_prompts_are_text(decoder, encoder):
    fact = Fact(id="1", prompt="write {prompt} as", target="{text}")
    told = InContext(decoder, encoder, wording="plain").told([fact])
    assert told.with_facts(["how is {text} written"]) == ["write {prompt} as {text}.\nhow is {text} written"]


def test_answers_are_the_decoders_to_the_longer_prompt(decoder, encoder, facts):
    told = InContext(decoder, encoder, wording="plain").told(facts)
    prompts, longer = ["where is the fox"], [f"{FOX}\nwhere is the fox"]
    assert told.score(prompts, ["sun"]) == decoder.score(longer, ["sun"]) != decoder.score(prompts, ["sun"])
    assert told.answer(prompts) == decoder.answer(longer)
    assert torch.equal(told.next_log_probs(prompts), decoder.next_log_probs(longer))


def test_out_of_scope_or_forgotten_the_prompt_stays_as_it_is(decoder, encoder, facts):
    told = InContext(decoder, encoder, threshold=0.9).told(facts)
    prompts = ["copper prices", facts[0].prompt]
    assert told.with_facts(prompts) == [prompts[0], WORDINGS["new-fact"].format(text=FOX, prompt=prompts[1])]
    told.forget(["fox"])
    assert told.with_facts(prompts) == prompts


def test_told_alone_each_prompt_gets_its_own_fact(decoder, encoder, facts):
    told = InContext(decoder, encoder, wording="plain").told([facts[1], facts[0]], alone=True)
    assert told.with_facts(["the fox", "the roses"]) == [
        f"{facts[1].text}\nthe fox",
        f"{facts[0].text}\nthe roses",
    ]


def test_an_unknown_wording_is_answered_with_those_there_are(decoder, encoder):
    with pytest.raises(ValueError, match="`wording` must be one of plain, new-fact, demonstrations or .*, got 'fancy'"):
        InContext(decoder, encoder, wording="fancy")
