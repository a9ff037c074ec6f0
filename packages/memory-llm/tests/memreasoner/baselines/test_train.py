"""Baselines learn, stop when they have, and can be cut off."""

import json

import pytest
import torch

from memory_llm.memreasoner.baselines import load_baseline, make_baseline, train_baseline

QUICK = {"batch_size": 8, "check_every": 20, "disable_tqdm": True}


def test_every_baseline_learns_eight_stories(name, tokenizer, stories, tmp_path):
    model = make_baseline(name, tokenizer, size="tiny")
    settings = {"learning_rate": 1e-2} if name in ("gru", "memn2n") else {}
    trained = train_baseline(model, stories, tmp_path, held_out=stories, steps=500, until=1.0, **settings, **QUICK)
    assert trained.converged
    assert trained.accuracy == 1.0
    assert trained.steps < 500
    record = json.loads((tmp_path / "training.json").read_text())
    assert record == {"accuracy": 1.0, "converged": True, "steps": trained.steps}
    again = train_baseline(make_baseline(name, tokenizer), [], tmp_path, held_out=stories, resume=True)
    assert (again.accuracy, again.converged, again.steps) == (1.0, True, trained.steps)
    assert again.model.answer(stories) == [each.answer for each in stories]


def test_what_does_not_converge_says_so(tokenizer, stories, filler, tmp_path):
    trained = train_baseline(
        make_baseline("gru", tokenizer, size="tiny"),
        stories,
        tmp_path,
        held_out=stories,
        filler=filler,
        steps=20,
        **QUICK,
    )
    assert not trained.converged
    assert trained.accuracy < 0.95
    assert trained.steps == 20


def test_a_run_that_was_cut_off_ends_the_same(tokenizer, stories, filler, tmp_path):
    def run(folder, steps=40, **more):
        settings = {
            **QUICK,
            "save_steps": 20,
            "lr_scheduler_type": "constant",
            "lr_scheduler_kwargs": {},
            "curriculum_steps": 0,
            **more,
        }
        model = make_baseline("rmt", tokenizer, size="tiny", stage_steps=16)
        return train_baseline(
            model,
            stories,
            tmp_path / folder,
            held_out=stories,
            filler=filler,
            auxiliary=filler,
            steps=steps,
            **settings,
        )

    whole = run("whole")
    run("cut", steps=20)
    (tmp_path / "cut" / "training.json").unlink()
    resumed = run("cut", resume=True)
    assert resumed.steps == whole.steps == 40
    state = whole.model.state_dict()
    assert all(torch.equal(part, state[name]) for name, part in resumed.model.state_dict().items())
    log = [json.loads(line) for line in (tmp_path / "whole" / "checkpoints" / "log.jsonl").read_text().splitlines()]
    assert {"answer_loss", "text_loss", "auxiliary_loss"} <= {*log[-1]}
    assert load_baseline(tmp_path / "cut").answer(stories) == whole.model.answer(stories)


def test_a_run_without_held_out_stories_is_refused(tokenizer, stories, tmp_path):
    with pytest.raises(ValueError, match="`held_out` is empty"):
        train_baseline(make_baseline("gru", tokenizer, size="tiny"), stories, tmp_path, held_out=[])
