"""Examples are what they say, the loss is what it says, and training learns, resumes and does not depend on ranks."""

from dataclasses import replace

import pytest
import torch

from memory_llm.larimar.edit_examples import EditExample, EditExamples
from memory_llm.larimar.edit_objective import EditCollator, EditObjective
from memory_llm.larimar.pipeline import Larimar
from memory_llm.larimar.relations import Relations, relation_of
from memory_llm.larimar.train import train_connector


def examples_of(larimar, facts, **settings):
    return EditExamples(facts, larimar.tokenizer, **{"size": 400, "max_target_tokens": 3, **settings})


def test_examples_ask_for_what_their_kind_says(larimar, facts):
    stream = examples_of(larimar, facts)
    known = {fact.prompt: fact for fact in facts}
    inside = [example for example in stream if example.in_scope]
    assert all(stream[row].in_scope for row in range(32))
    assert 0.4 < sum(stream[row].in_scope for row in range(200, 400)) / 200 < 0.6
    for example in inside:
        fact = known[example.prompt]
        assert example.question in (fact.prompt, *fact.paraphrases, *fact.stripped_paraphrases())
    for example in (example for example in stream if not example.in_scope):
        assert f"{example.question} {example.continuation}".strip() != example.prompt
        assert len(example.continuation.split()) <= 2


def test_examples_depend_on_seed_and_index_alone(larimar, facts):
    one, same, other = (examples_of(larimar, facts, seed=seed) for seed in (0, 0, 1))
    assert [one[row] for row in (5, 3)] == [same[5], same[3]]
    assert [one[row] for row in range(20)] != [other[row] for row in range(20)]


def test_targets_fit_and_excluded_ones_never_come(larimar, facts):
    stream = examples_of(larimar, facts, exclude=["sun"], size=2000)
    targets = {example.target for example in stream}
    assert not any("sun" in target.split() for target in targets)
    assert any(" " in target for target in targets)  # phrases and names
    assert {"day", "red"} <= targets
    assert max(len(larimar.tokenizer(f" {target}")["input_ids"]) for target in targets) <= 3


def test_relation_is_the_prompt_without_its_subject(facts):
    assert relation_of(facts[0]) == "the {} sleeps in the"


def test_wordings_with_the_same_answers_are_one_kind(facts):
    reworded = [replace(fact, prompt=f"where the {fact.subject} lies is") for fact in facts[:4]]
    relations = Relations([*facts, *reworded])
    assert not relations.differ("the {} sleeps in the", "where the {} lies is")
    assert relations.differ("the {} sleeps in the", "{} is also called")


def test_too_few_facts_are_refused(larimar, facts):
    with pytest.raises(ValueError, match="training needs at least 2 facts with a subject, got 1"):
        examples_of(larimar, facts[:1])


def batch_of(larimar, *rows):
    names = ("prompt", "target", "question", "in_scope", "continuation")
    return EditCollator(larimar)([EditExample(**dict(zip(names, row, strict=True))) for row in rows])


@torch.no_grad()
def test_loss_is_target_cross_entropy_divergence_from_the_base_and_that_of_the_gate(larimar):
    prompt, other = "the fox sleeps in the", "roses are red and"
    batch = batch_of(larimar, (prompt, "sun", prompt, True, ""), (prompt, "day", other, False, "blue ."))
    found = EditObjective(larimar.model, kl_weight=0.5, gate_weight=0.25)(**batch)
    _, value = larimar.facts([prompt, prompt], ["sun", "day"])
    query = larimar.encode([prompt, other])
    question = larimar.tokenizer(prompt, return_tensors="pt")["input_ids"][0]
    target = larimar.target_ids(["sun"])[0]
    target = target[target >= 0]
    sequence = torch.cat([question, target])[None]
    due = torch.tensor([-1] * (len(question) - 1) + list(range(len(target) + 1)))[None]
    logits = larimar.model(sequence, latent=value[:1], query=query[:1], due=due).logits[0].log_softmax(-1)
    expected = -logits[len(question) - 1 : -1].gather(-1, target[:, None]).mean()
    torch.testing.assert_close(found["target_loss"], expected, rtol=1e-3, atol=1e-3)
    ids = larimar.tokenizer(other, return_tensors="pt")["input_ids"]
    goes_on = larimar.tokenizer(" blue .", return_tensors="pt", add_special_tokens=False)["input_ids"]
    due = torch.tensor([-1] * (ids.shape[1] - 1) + list(range(goes_on.shape[1] + 1)))[None]
    ids = torch.cat([ids, goes_on], dim=1)
    ours = larimar.model(ids, latent=value[1:], query=query[1:], due=due).logits[0].log_softmax(-1)[due[0] >= 0]
    base = larimar.model(ids).logits[0].log_softmax(-1)[due[0] >= 0]
    divergence = torch.nn.functional.kl_div(ours, base, log_target=True, reduction="none").sum(-1).mean()
    torch.testing.assert_close(found["kept_kl"], divergence, rtol=1e-3, atol=1e-3)
    odds = larimar.model.connector.gate_logit(value, query).sigmoid()
    gate = -(odds[0].log() + (1 - odds[1]).log()) / 2
    torch.testing.assert_close(found["gate_loss"], gate, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(found["loss"], expected + 0.5 * divergence + 0.25 * gate, rtol=1e-3, atol=1e-3)


def test_batches_of_one_kind_have_a_loss(larimar):
    for in_scope in (True, False):
        loss = EditObjective(larimar.model)(**batch_of(larimar, ("the fox", "sun", "the fox is", in_scope, "")))["loss"]
        loss.backward()
        assert torch.isfinite(loss)
        assert all(part.grad is None for part in larimar.model.decoder.parameters())


def test_a_linear_connector_is_refused(make_larimar):
    with pytest.raises(ValueError, match="edits need a model with connector='tokens'"):
        EditObjective(make_larimar(connector="linear").model)


def trained(make_larimar, facts, folder, **settings):
    larimar = make_larimar(query_aware=False)
    quiet = {"disable_tqdm": True, "logging_steps": 1000}
    return train_connector(
        larimar, facts, folder, **{"steps": 12, "batch_size": 8, "learning_rate": 1e-2, **quiet, **settings}
    )


def test_training_lowers_the_loss_and_its_file_gives_the_same_model(make_larimar, facts, tmp_path, monkeypatch):
    before = make_larimar(query_aware=False)
    after = trained(make_larimar, facts, tmp_path, steps=150)
    stream = examples_of(before, facts, seed=5)
    batch = EditCollator(before)([stream[row] for row in range(64)])
    with torch.no_grad():
        losses = [float(EditObjective(one.model)(**batch)["loss"]) for one in (before, after)]
    assert losses[1] < 0.8 * losses[0]
    monkeypatch.setattr(Larimar, "from_base", classmethod(lambda cls, **_: make_larimar(query_aware=False)))
    loaded = Larimar.from_connector(tmp_path)
    with torch.no_grad():
        reloaded = float(EditObjective(loaded.model)(**batch)["loss"])
    assert reloaded == pytest.approx(losses[1], rel=0.02)  # float16 in the file
    torch.testing.assert_close(loaded.key_mean, after.key_mean)


def test_killed_training_resumes_to_the_same_weights(make_larimar, facts, tmp_path):
    whole = trained(make_larimar, facts, tmp_path / "whole", save_steps=6)
    first = tmp_path / "killed"

    class Killed(Exception):
        pass

    from transformers import TrainerCallback

    class Kill(TrainerCallback):
        def on_step_end(self, args, state, control, **_):
            if state.global_step == 9:
                raise Killed

    from memory_llm.larimar import train as module

    original = module.ObjectiveTrainer.__init__

    def with_kill(self, model, **arguments):
        original(self, model, callbacks=[Kill()], **arguments)

    module.ObjectiveTrainer.__init__ = with_kill
    try:
        with pytest.raises(Killed):
            trained(make_larimar, facts, first, save_steps=6)
    finally:
        module.ObjectiveTrainer.__init__ = original
    resumed = trained(make_larimar, facts, first, save_steps=6, resume=True)
    for one, other in zip(whole.model.connector.parameters(), resumed.model.connector.parameters(), strict=True):
        torch.testing.assert_close(one, other)
