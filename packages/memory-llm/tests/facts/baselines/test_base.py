"""Without an edit, an answerer says what the model says."""

import pytest
import torch

from gpu_commons.testing import tiny_model
from memory_llm.facts import Answerer, FineTune, InContext, Lookup, Method, NoEdit

PROMPTS = ["the sun", "a model reads a text token by token, and", "roses"]


@pytest.mark.parametrize("family", ["llama", "gpt2"])
def test_answers_are_the_greedy_continuations_of_each_prompt_alone(tokenizer, family):
    model = tiny_model(family)
    expected = []
    for prompt in PROMPTS:
        ids = tokenizer(prompt).input_ids
        with torch.no_grad():
            for _ in range(5):
                ids = [*ids, int(model(torch.tensor([ids])).logits[0, -1].argmax())]
        assert tokenizer.eos_token_id not in ids[-5:]
        expected.append(tokenizer.decode(ids[-5:], skip_special_tokens=True).strip())
    assert NoEdit(model, tokenizer, batch_size=2).answer(PROMPTS, max_new_tokens=5) == expected


def test_facts_told_to_it_change_nothing(decoder, facts):
    prompts, targets = [fact.prompt for fact in facts], [fact.target for fact in facts]
    assert decoder.told(facts, alone=True).score(prompts, targets) == decoder.score(prompts, targets)


def test_every_baseline_fulfils_the_protocols(decoder, encoder, facts):
    for method in (decoder, InContext(decoder, encoder), Lookup(decoder, encoder), FineTune(decoder, max_steps=1)):
        assert isinstance(method, Method)
        assert isinstance(method.told(facts), Answerer)
        assert isinstance(method.told(facts, alone=True), Answerer)


def test_no_question_has_no_answer(decoder):
    assert decoder.score([], []) == decoder.answer([]) == []
