"""Edits reach the answers, in and out of scope, and can be taken back."""

import pytest
import torch

from memory_llm.facts import Fact
from memory_llm.larimar.editor import LarimarEditor, continue_prompts, release_ids
from memory_llm.larimar.scope import EncoderScope

PROMPT = "the fox sleeps in the"


@pytest.fixture
def editor(larimar):
    return LarimarEditor(larimar, scope=EncoderScope(threshold=0.999))


def fact(number=0, target="sun", prompt=PROMPT):
    return Fact(id=f"f{number}", prompt=prompt, target=target)


def test_answers_use_the_memory_in_scope_and_the_base_model_elsewhere(editor, larimar):
    base = editor.ask([PROMPT, "roses are red"])
    editor.edit(fact())
    edited = editor.ask([PROMPT, "roses are red"])
    assert edited[0] != base[0]
    assert edited[1] == base[1]
    query = larimar.encode([PROMPT])
    _, value = larimar.facts([PROMPT], ["sun"])
    assert continue_prompts(larimar, [PROMPT], latents=value, queries=query)[0] == edited[0]


def test_forgetting_and_undo_bring_the_base_answer_back(editor):
    base = editor.ask(PROMPT)
    editor.edit([fact(), fact(1, prompt="roses are")])
    assert editor.undo() == ("f0", "f1")
    assert editor.ask(PROMPT) == base
    editor.edit(fact())
    assert editor.ask(PROMPT) != base
    editor.forget("f0")
    assert editor.ask(PROMPT) == base


def test_changing_a_fact_equals_writing_the_other(editor, larimar):
    editor.edit(fact())
    editor.change("f0", fact(target="day"))
    other = LarimarEditor(larimar, scope=editor.scope)
    other.edit(fact(target="day"))
    assert editor.ask(PROMPT) == other.ask(PROMPT)
    assert editor.memory.text("f0") == "the fox sleeps in the day."


def test_explanations_name_the_nearest_facts(editor):
    editor.edit([fact(), fact(1, prompt="roses are")])
    inside, outside = editor.explain(PROMPT, count=2), editor.explain("numbers such as")
    assert inside.nearest[0][:2] == ("f0", "the fox sleeps in the sun.")
    assert (inside.in_scope, outside.in_scope) == (True, False)
    assert inside.scope_score == pytest.approx(1.0)


def test_batch_answers_equal_single_ones(editor):
    editor.edit([fact(), fact(1, "red", "roses are")])
    prompts = [PROMPT, "numbers such as 0 1", "roses are"]
    together = editor.ask(prompts, max_new_tokens=5)
    assert together == [editor.ask(prompt, max_new_tokens=5)[0] for prompt in prompts]


def test_a_full_stop_and_a_line_end_release_the_memory(larimar):
    texts = larimar.tokenizer.batch_decode([[token] for token in release_ids(larimar)])
    assert all(text.endswith((".", "\n")) for text in texts)
    assert len(texts) == 2


def test_memory_file_serves_another_editor(editor, larimar, tmp_path):
    editor.edit(fact())
    editor.save_memory(tmp_path)
    again = LarimarEditor(larimar, larimar.load_memory(tmp_path), scope=editor.scope)
    assert again.ask(PROMPT) == editor.ask(PROMPT)


@torch.no_grad()
def test_method_answers_as_the_editor_does(editor, larimar, facts):
    from memory_llm.larimar.as_method import LarimarMethod

    method = LarimarMethod(larimar, scope=EncoderScope(threshold=0.999))
    editor.edit(facts)
    told = method.told(facts)
    prompts = [facts[0].prompt, "roses are red"]
    assert told.answer(prompts, max_new_tokens=4) == [text.strip() for text in editor.ask(prompts, max_new_tokens=4)]
    alone = method.told(facts[:2], alone=True)
    crossed = alone.next_log_probs([facts[0].prompt, facts[0].prompt])
    own, other = crossed[0], crossed[1]
    base = larimar.model(larimar.tokenizer(facts[0].prompt, return_tensors="pt")["input_ids"]).logits[0, -1]
    torch.testing.assert_close(other, base.log_softmax(-1), rtol=1e-4, atol=1e-4)
    assert not torch.allclose(own, other, atol=1e-2)
    told.forget([facts[0].id])
    torch.testing.assert_close(told.next_log_probs([facts[0].prompt])[0], base.log_softmax(-1), rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_scores_are_teacher_forced_with_the_memory(larimar, facts):
    from memory_llm.larimar.as_method import LarimarMethod

    told = LarimarMethod(larimar).told(facts[:3], alone=True)
    prompts, targets = [fact.prompt for fact in facts[:3]], [fact.target for fact in facts[:3]]
    for row, score in enumerate(told.score(prompts, targets)):
        before = larimar.tokenizer(prompts[row])["input_ids"]
        after = larimar.tokenizer(f" {targets[row]}", add_special_tokens=False)["input_ids"]
        query, value = larimar.facts(prompts[row : row + 1], targets[row : row + 1])
        due = torch.tensor([[-1] * (len(before) - 1) + list(range(len(after) + 1))])
        output = larimar.model(torch.tensor([before + after]), latent=value, query=query, due=due)
        logits = output.logits[0].log_softmax(-1)
        expected = logits[len(before) - 1 : -1].gather(-1, torch.tensor(after)[:, None]).mean()
        assert score.log_prob == pytest.approx(float(expected), abs=1e-3)
