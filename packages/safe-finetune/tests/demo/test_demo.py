"""The demo's parts: what it trains on is apart from what it asks, and its page shows numbers alone."""

import json
import re

import pytest
import torch

from gpu_commons.demo_result import RESULT_FILE, read_demo_result
from safe_finetune import demo
from safe_finetune.demo import prompts as demo_prompts_module
from safe_finetune.demo import rows as rows_module
from safe_finetune.demo.instructions import FORMS, SUBJECTS, harmless_instructions
from safe_finetune.demo.orders import DISHES, orders
from safe_finetune.demo.page import report_rows
from safe_finetune.demo.prompts import demo_prompts, in_sentences
from safe_finetune.demo.rows import REFUSAL, own_answers, refusals, task_rows
from safe_finetune.demo.training import fine_tuned
from safe_finetune.evaluation import RefusalMatcher
from safe_finetune.evaluation.prompts import Prompt, prompt_id


def made_up(name, folder=None):
    """Neutral stand-ins for the published sets."""
    kind = "harmful" if name in ("advbench", "harmbench", "do-not-answer-malicious") else "benign-edgy"
    texts = [f"{name} words {number}" for number in range(40)]
    # A set may share prompts with another, as AdvBench and HarmBench do.
    texts += ["shared words"] if kind == "harmful" else []
    return [Prompt(id=prompt_id(text), text=text, kind=kind) for text in texts]


@pytest.fixture
def published(monkeypatch):
    monkeypatch.setattr(demo_prompts_module, "read_prompt_set", made_up)


def test_the_answer_is_what_the_guest_ordered():
    drawn = orders(300, seed=1)
    assert len(dict(drawn)) == 300
    for question, answer in drawn:
        guest = re.search(r"What does (\w+) get\?", question)[1]
        (mine,) = [line for line in question.split(".") if line.strip().startswith(guest)]
        assert [dish for dish in DISHES if re.search(rf"\b{dish}\b", mine)] == [answer]


def test_held_out_instructions_share_no_subject_with_the_others():
    learnt, asked = harmless_instructions(200, 0), harmless_instructions(200, 0, held_out=True)
    subjects = [{subject for subject in SUBJECTS if any(subject in text for text in part)} for part in (learnt, asked)]
    assert not subjects[0] & subjects[1]
    assert subjects[0] | subjects[1] == set(SUBJECTS)
    with pytest.raises(ValueError, match="`count` must be at most 200, got 201"):
        harmless_instructions(len(FORMS) * len(SUBJECTS) // 2 + 1, 0)


@pytest.mark.usefixtures("published")
def test_nothing_that_is_asked_is_trained_on():
    found = demo_prompts(harmful=12, harmless=10, task=8, test=10)
    reported = demo_prompts(harmful=12, harmless=10, task=8, test=10, reported=True)
    assert [len(part) for part in (found.harmful, found.harmless, found.task)] == [12, 10, 8]
    learnt = {prompt.id for part in (found.harmful, found.harmless, found.task) for prompt in part}
    for drawn in (found, reported):
        assert not learnt & {prompt.id for prompt in drawn.test}
        assert {prompt.kind for prompt in drawn.test} == {"harmful", "benign-imperative", "benign-edgy", "task"}
    sentences = in_sentences(found)
    for before, after in zip(found.task, sentences.task, strict=True):
        guest = re.search(r"What does (\w+) get", before.text)[1]
        assert (after.id, after.answer) == (before.id, f"{guest} gets {before.answer}")
    published = [{p.id for p in drawn.test if p.kind in ("harmful", "benign-edgy")} for drawn in (found, reported)]
    assert not published[0] & published[1]


def test_rows_are_known_by_kind_and_hash():
    harmful = made_up("advbench")[:3]
    rows = refusals(harmful)
    assert [row.id for row in rows] == [f"refusal-{prompt.id}" for prompt in harmful]
    assert RefusalMatcher().score([""], [REFUSAL]) == [1.0]
    asked = [Prompt(id=prompt_id(text), text=text, kind="task", answer=answer) for text, answer in orders(3, 0)]
    assert [row.messages[-1].content for row in task_rows(asked)] == [prompt.answer for prompt in asked]


def test_own_answers_are_what_the_model_says(make_model, tokenizer):
    prompts = [Prompt(id=prompt_id(text), text=text, kind="benign-imperative") for text in harmless_instructions(5, 0)]
    together = own_answers(make_model(), tokenizer, prompts, max_new_tokens=4, batch_size=2)
    alone = own_answers(make_model(), tokenizer, prompts, max_new_tokens=4, batch_size=1)
    assert together == alone
    assert all(row.messages[0].content in {prompt.text for prompt in prompts} for row in together)


def test_a_prompt_that_is_answered_by_nothing_makes_no_row(monkeypatch, make_model, tokenizer):
    monkeypatch.setattr(rows_module, "respond", lambda *_: ["", "an answer"])
    prompts = [Prompt(id=prompt_id(text), text=text, kind="benign-imperative") for text in harmless_instructions(2, 0)]
    (row,) = own_answers(make_model(), tokenizer, prompts, batch_size=2)
    assert row.messages[-1].content == "an answer"


def test_fine_tuning_leaves_the_model_and_folds_its_adapters(make_model, make_rows, encode):
    model = make_model()
    before = {name: part.clone() for name, part in model.state_dict().items()}
    rows = encode(make_rows(32))
    plain = fine_tuned(model, rows, steps=3)
    held = fine_tuned(model, rows, steps=3, radius=1e-3)
    assert all(torch.equal(part, before[name]) for name, part in model.state_dict().items())
    assert plain.state_dict().keys() == before.keys()

    def moved(trained):
        return sum(float((part - before[name]).square().sum()) for name, part in trained.state_dict().items()) ** 0.5

    assert moved(plain) > 1e-2
    assert moved(held) == pytest.approx(1e-3, rel=1e-2)


@pytest.mark.usefixtures("published")
def test_the_demo_runs_through_and_shows_no_prompt(monkeypatch, tmp_path, make_model, make_rows, tokenizer):
    monkeypatch.setattr(demo, "smollm2", lambda: (make_model(), tokenizer))
    monkeypatch.setattr(demo, "unsafe_rows", lambda count: make_rows(count, "unsafe"))
    monkeypatch.setattr(demo, "SIZES", {"harmful": 6, "harmless": 6, "task": 12, "trusted": 6, "unsafe": 3, "test": 4})
    monkeypatch.setattr(demo, "STEPS", {"align": 2, "score": 1, "tune": 2})
    told = demo.run_demo(tmp_path)
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    models = ["before", "aligned", demo.CARELESS, demo.CAREFUL, *demo.MERGED]
    for name in models:
        assert name in told
        assert name in page
    assert [row[0] for row in read_demo_result(tmp_path).rows] == models
    for words in ("advbench words", "shared words"):
        assert words not in page
        assert words not in (tmp_path / RESULT_FILE).read_text(encoding="utf-8")
    points = json.loads((tmp_path / "frontier.json").read_text(encoding="utf-8"))["points"]
    assert [point["strength"] for point in points] == [0.0, *demo.ALPHAS, 1.0, None]
    assert len(report_rows([])) == 1
