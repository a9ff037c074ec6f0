"""Training learns, resumes to the same weights, moves what it should, and does not depend on ranks."""

import json

import pytest
import torch
from transformers import TrainerCallback

from memory_llm.haystack.stories import Story
from memory_llm.memreasoner import train as module
from memory_llm.memreasoner.evaluate import evaluate_memreasoner
from memory_llm.memreasoner.model import MemReasonerForQA
from memory_llm.memreasoner.train import train_memreasoner

QUIET = {"disable_tqdm": True, "logging_steps": 1000, "save_strategy": "no"}


def trained(model, stories, folder, **settings):
    return train_memreasoner(
        model, stories, folder, **{"steps": 10, "batch_size": 2, "learning_rate": 1e-2, **QUIET, **settings}
    )


def test_training_learns_stories_by_heart_and_saves_what_it_learnt(make_small, stories, filler, tmp_path):
    model = make_small(num_hops=1)
    settings = {"filler": filler, "filler_lines": (0, 2), "label_fraction": 1.0, "logging_steps": 20}
    trained(model, stories, tmp_path, steps=60, batch_size=4, **settings)
    log = [json.loads(line) for line in (tmp_path / "checkpoints" / "log.jsonl").read_text().splitlines()]
    assert log[-1]["loss"] < 0.5 * log[0]["loss"]
    assert {"answer_loss", "ae_loss", "sf_loss"} < set(log[0])
    scores = evaluate_memreasoner(model, stories)
    assert (scores.exact_match, scores.hop_accuracy, scores.num_stories) == (1.0, (1.0,), 2)
    again = MemReasonerForQA.from_pretrained(tmp_path)
    assert again.answer(stories) == [story.answer for story in stories]


class Killed(Exception):
    pass


class Kill(TrainerCallback):
    def on_step_end(self, args, state, control, **_):
        if state.global_step == 7:
            raise Killed


def test_killed_training_resumes_to_the_same_weights(make_small, stories, filler, tmp_path, monkeypatch):
    settings = {"save_strategy": "steps", "save_steps": 5, "filler": filler, "filler_lines": (0, 3), "filler_ramp": 6}
    settings |= {"hard_after": 0.5, "end_temperature": 0.5, "label_fraction": 0.5}
    whole = trained(make_small(), stories, tmp_path / "whole", **settings)
    original = module.ObjectiveTrainer

    def with_kill(*arguments, callbacks, **more):
        return original(*arguments, callbacks=[*callbacks, Kill()], **more)

    monkeypatch.setattr(module, "ObjectiveTrainer", with_kill)
    with pytest.raises(Killed):
        trained(make_small(), stories, tmp_path / "killed", **settings)
    monkeypatch.setattr(module, "ObjectiveTrainer", original)
    resumed = trained(make_small(seed=5), stories, tmp_path / "killed", resume=True, **settings)
    for (name, one), other in zip(whole.named_parameters(), resumed.parameters(), strict=True):
        torch.testing.assert_close(one, other, msg=name)
    assert resumed.config.addressing_temperature == 0.5


def test_temperature_and_readout_move_by_the_step(make_small, stories, tmp_path, monkeypatch):
    seen = []

    class Watch(TrainerCallback):
        def on_step_end(self, args, state, control, model=None, **_):
            seen.append((model.model.hops.temperature, model.model.train_readout))

    original = module.ObjectiveTrainer
    monkeypatch.setattr(
        module, "ObjectiveTrainer", lambda *a, callbacks, **k: original(*a, callbacks=[*callbacks, Watch()], **k)
    )
    model = trained(make_small(), stories, tmp_path, steps=5, hard_after=0.6, end_temperature=0.2)
    assert [temperature for temperature, _ in seen] == pytest.approx([1.0, 0.8, 0.6, 0.4, 0.2])
    assert [readout for _, readout in seen] == ["soft"] * 3 + ["hard"] * 2
    again = MemReasonerForQA.from_pretrained(tmp_path)
    assert again.hops.temperature == model.hops.temperature == 0.2


def test_what_cannot_be_trained_is_refused(make_small, stories, tmp_path):
    several = Story(lines=("John got the milk.", "Mary went."), question="Who?", answer="John Mary", support=(0, 1))
    for settings, message in (
        ({"label_fraction": 1.5}, "must be in .0, 1., got 1.5"),
        ({"hard_after": 2.0}, "`hard_after` is a share of the steps"),
        ({"end_temperature": 0.0}, "`end_temperature` must be positive"),
    ):
        with pytest.raises(ValueError, match=message):
            trained(make_small(), stories, tmp_path, **settings)
    with pytest.raises(ValueError, match="'John Mary' of story 1 lies in several lines, but `readout='hard'`"):
        trained(make_small(), [stories[0], several], tmp_path)
    with pytest.raises(ValueError, match="`stories` is empty"):
        trained(make_small(), [], tmp_path)
    with pytest.raises(ValueError, match="`stories` is empty"):
        evaluate_memreasoner(make_small(), [])
    assert not (tmp_path / "model.safetensors").exists()


def test_several_lines_answer_where_several_are_read_out(make_small, tmp_path):
    model = make_small(readout="topk", top_lines=2)
    stories = [
        Story(
            lines=(f"{actor} got the milk.", f"{place} is red."),
            question="Where?",
            answer=f"{actor} {place}",
            support=(0, 1),
        )
        for actor in ("John", "Mary")
        for place in ("sun", "garden")
    ]
    trained(model, stories, tmp_path, steps=100, batch_size=8, label_fraction=1.0, autoencoded=0)
    assert evaluate_memreasoner(model, stories).exact_match == 1.0


def test_hop_accuracy_counts_labelled_hops_alone(make_small, stories):
    model = make_small()
    unlabelled = [Story(lines=story.lines, question=story.question, answer=story.answer) for story in stories]
    found = evaluate_memreasoner(model, [*stories, *unlabelled])
    alone = evaluate_memreasoner(model, stories)
    assert found.hop_accuracy == alone.hop_accuracy
    assert len(alone.hop_accuracy) == 1
    assert evaluate_memreasoner(model, unlabelled).hop_accuracy == ()
