"""An edit flips the model's answer while it is asked, and leaves no trace."""

import pytest
import torch

from gpu_commons.testing import tiny_model
from memory_llm.facts import FineTune, NoEdit


@pytest.fixture(params=[torch.float32, torch.bfloat16], ids=str)
def decoder(tokenizer, request):
    return NoEdit(tiny_model().to(request.param), tokenizer)


def snapshot(model):
    return {name: value.clone() for name, value in model.state_dict().items()}, [
        parameter.requires_grad for parameter in model.parameters()
    ]


def same(before, model):
    weights, flags = before
    now, flags_now = snapshot(model)
    return flags == flags_now and all(torch.equal(weights[name], now[name]) for name in weights)


def test_an_edit_flips_the_answer_and_restores_the_weights_bit_by_bit(decoder, facts):
    fact = facts[0]
    before = snapshot(decoder.model)
    assert not decoder.score([fact.prompt], [fact.target])[0].whole
    told = FineTune(decoder, learning_rate=0.03).told([fact])
    assert told.score([fact.prompt], [fact.target])[0].whole
    assert told.answer([fact.prompt])[0].startswith(fact.target)
    first = decoder.tokenizer(f" {fact.target}").input_ids[0]
    assert int(told.next_log_probs([fact.prompt])[0].argmax()) == first
    assert same(before, decoder.model)
    (cost,) = told.costs
    assert cost.fact_id == "fox"
    assert cost.flipped
    assert 1 <= cost.steps <= 25
    assert cost.seconds > 0


def test_too_few_steps_are_reported_as_not_flipped(decoder, facts):
    (cost,) = FineTune(decoder, learning_rate=1e-6, max_steps=2).told(facts[:1]).costs
    assert (cost.steps, cost.flipped) == (2, False)


def test_what_the_model_says_already_takes_no_step(decoder, facts):
    method = FineTune(decoder, learning_rate=0.03)
    trained = method.matrix.train(facts[0]).weight
    assert method.matrix.train(facts[0], trained).cost.steps == 0


def test_told_alone_each_question_meets_only_its_own_edit(decoder, facts):
    method = FineTune(decoder, learning_rate=0.03)
    rows = [facts[0], facts[1], facts[0]]
    told = method.told(rows, alone=True)
    prompts, targets = [fact.prompt for fact in rows], [fact.target for fact in rows]
    before = snapshot(decoder.model)
    scores = told.score(prompts, targets)
    assert [cost.fact_id for cost in told.costs] == ["fox", "roses"]
    single = [method.told([fact]).score([fact.prompt], [fact.target])[0] for fact in rows]
    for score, expected in zip(scores, single, strict=True):
        assert score.log_prob == pytest.approx(expected.log_prob, abs=1e-4)
        assert score.whole
        assert expected.whole
    after_other = method.told([facts[1]]).score([facts[0].prompt], [facts[0].target])[0]
    assert after_other.log_prob != pytest.approx(scores[0].log_prob, abs=1e-2)
    assert told.next_log_probs(prompts).argmax(-1).tolist() == [
        decoder.tokenizer(f" {target}").input_ids[0] for target in targets
    ]
    assert told.answer(prompts, max_new_tokens=1) == [
        decoder.tokenizer.decode(decoder.tokenizer(f" {target}").input_ids[:1]).strip() for target in targets
    ]
    assert same(before, decoder.model)


def test_facts_told_together_are_trained_one_after_another(decoder, facts):
    method = FineTune(decoder, learning_rate=0.03)
    one = method.matrix.train(facts[0])
    two = method.matrix.train(facts[1], one.weight)
    told = method.told(facts[:2])
    assert [cost.steps for cost in told.costs] == [one.cost.steps, two.cost.steps]
    with method.matrix.swapped_in(two.weight):
        expected = decoder.score([facts[0].prompt], [facts[0].target])
    assert told.score([facts[0].prompt], [facts[0].target]) == expected


def test_an_error_while_swapped_in_restores_the_weights(decoder, facts):
    before = snapshot(decoder.model)
    told = FineTune(decoder, learning_rate=0.03).told(facts[:1])
    with pytest.raises(ValueError, match="has no tokens"):
        told.score([""], ["sun"])
    assert same(before, decoder.model)


@pytest.mark.parametrize("alone", [True, False])
def test_forgetting_is_refused(decoder, facts, alone):
    told = FineTune(decoder, learning_rate=0.03).told(facts[:1], alone=alone)
    with pytest.raises(NotImplementedError, match="gradient edits cannot be taken out one by one"):
        told.forget(["fox"])


def test_the_down_projection_is_the_mlps_in_the_layer_asked_for(tokenizer):
    assert (
        FineTune(NoEdit(tiny_model("gpt2"), tokenizer), layer=2).matrix.parameter_name
        == "transformer.h.2.mlp.c_proj.weight"
    )
    assert FineTune(NoEdit(tiny_model(), tokenizer)).matrix.parameter_name == "model.layers.1.mlp.down_proj.weight"


def test_a_layer_or_architecture_that_is_not_there_is_refused(decoder, tokenizer):
    with pytest.raises(ValueError, match=r"`layer` must be in \[0, 2\], got 3"):
        FineTune(decoder, layer=3)
    with pytest.raises(ValueError, match=r"`model` \(mamba\) has no MLP down-projection named down_proj"):
        FineTune(NoEdit(tiny_model("mamba"), tokenizer))
