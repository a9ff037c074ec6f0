"""SEAL's steps are the gradients of its penalty, and a run can be killed, split and cut without another result."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from peft import LoraConfig
from transformers import TrainerCallback

from safe_finetune.rows.encoded_rows import collate_rows
from safe_finetune.seal import SealConfig, SealTrainer
from safe_finetune.seal.model_pair import ModelPair
from safe_finetune.seal.streams import PairedRows
from safe_finetune.seal.trainer import _check_rows

LORA = LoraConfig(r=4, target_modules=["q_proj", "v_proj"], lora_dropout=0.1)


@pytest.fixture(scope="module")
def data(encode, make_rows):
    return encode(make_rows(18)), encode(make_rows(7, "safe", "a {} and a {}"))


def trainer_of(model, data, quiet, *, lora=True, **settings):
    callbacks = settings.pop("callbacks", None)
    args = SealConfig(**{**quiet, "max_steps": 8, "upper_weight": 0.8, **settings})
    return SealTrainer(model, args, *data, peft_config=LORA if lora else None, callbacks=callbacks)


def state(trainer):
    return {**{k: v.detach().clone() for k, v in trainer._trained().items()}, **trainer.selector.state()}


def assert_same(one, other):
    assert one.keys() == other.keys()
    for name, part in one.items():
        torch.testing.assert_close(other[name], part, rtol=0, atol=0, equal_nan=True, msg=name)


@pytest.mark.parametrize("algorithm", ["penalty", "memory_efficient"])
@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_one_step_follows_the_gradient_of_the_penalty(algorithm, activation, make_model, data, quiet):
    """In float64, all rows in one batch: F = L_s(theta) + gamma (L_f(theta, omega) - L_f(u, omega)), by autograd."""
    tune, safe = data
    share, rate = 0.8, 1e-3
    settings = {"algorithm": algorithm, "selector_activation": activation, "selector_optimizer": "sgd"}
    settings |= {"optim": "sgd", "learning_rate": rate, "selector_learning_rate": 1e-2, "max_grad_norm": 0.0}
    settings |= {
        "lr_scheduler_type": "constant",
        "warmup_steps": 0.0,
        "max_steps": 1,
        "per_device_train_batch_size": 18,
    }
    trainer = trainer_of(make_model().double(), data, quiet, lora=False, **settings)
    trainer.selector.logits = trainer.selector.logits.double() + torch.linspace(-1, 1, 18).double()
    if algorithm == "penalty":
        with torch.no_grad():
            for part in trainer.model.trained("u").values():
                part.add_(0.05)
    before = {name: part.clone() for name, part in state(trainer).items()}

    logits = trainer.selector.logits.clone().requires_grad_()
    weights = 18 * logits.softmax(0) if activation == "softmax" else 2 * logits.sigmoid()

    def losses(which, rows):
        batch = collate_rows(rows)
        return trainer.model(which, batch["input_ids"], batch["attention_mask"], batch["labels"])

    rows = [tune[n] for n in range(18)]
    lower = (weights * losses("theta", rows)).mean()
    value = (weights * losses("u", rows)).mean() if algorithm == "penalty" else torch.zeros(())
    pairs = PairedRows(tune, safe, trainer.args.seed)
    drawn_safe = [pairs[position].safe for position in range(18)]  # of 7: the shorter stream begins anew
    gamma = (1 - share) / share
    penalised = losses("theta", drawn_safe).mean() + gamma * (lower - value)
    penalised.backward()
    expected = {"logits": before["logits"] - 1e-2 * logits.grad / gamma}
    for name, part in trainer.model.trained("theta").items():
        expected[name] = before[name] - rate * share * part.grad
    if algorithm == "penalty":
        for name, part in trainer.model.trained("u").items():
            expected[name] = before[name] + rate * part.grad / gamma  # u goes down in L_f; F has it with a minus
    trainer.model.zero_grad()

    trainer.train()
    after = state(trainer)
    for name, part in expected.items():
        torch.testing.assert_close(after[name], part.detach(), rtol=1e-6, atol=1e-9, msg=name)


class Killed(Exception):
    pass


class Kill(TrainerCallback):
    def on_step_end(self, args, state, control, **_):
        if state.global_step == 7:
            raise Killed


@pytest.mark.parametrize(
    ("lora", "algorithm", "optimizer"),
    [(True, "penalty", "mirror"), (True, "memory_efficient", "adam"), (False, "penalty", "adam")],
)
def test_killed_run_resumes_to_the_same_bytes(lora, algorithm, optimizer, make_model, data, quiet, tmp_path):
    settings = {"algorithm": algorithm, "selector_optimizer": optimizer, "max_steps": -1, "num_train_epochs": 2.0}
    settings |= {"save_strategy": "steps", "save_steps": 3.0, "gradient_accumulation_steps": 2, "lora": lora}
    settings |= {"per_device_train_batch_size": 2, "upper_weight_decay": 0.2}
    whole = trainer_of(make_model(), data, quiet, **settings)
    whole.train()
    assert whole.state.global_step == 10
    there = {**settings, "output_dir": str(tmp_path / "killed")}
    with pytest.raises(Killed):
        trainer_of(make_model(), data, quiet, callbacks=[Kill()], **there).train()
    resumed = trainer_of(make_model(), data, quiet, **there)
    resumed.train(resume_from_checkpoint=True)
    assert resumed.state.global_step == 10
    assert_same(state(whole), state(resumed))
    for name in ("logits", "weights", "last_losses", "num_visits", "last_visit_steps"):
        np.testing.assert_array_equal(getattr(resumed.scores, name), getattr(whole.scores, name))
    assert int(resumed.scores.num_visits.sum()) == 40


def test_checkpoints_of_another_run_are_refused(make_model, data, encode, make_rows, quiet):
    trainer_of(make_model(), data, quiet, save_strategy="steps", save_steps=2.0, max_steps=2).train()
    for others, settings, message in (
        ((encode(make_rows(18, "new")), data[1]), {}, "dataset_fingerprint"),
        ((encode(make_rows(18)[::-1]), data[1]), {}, "order_of_rows"),
        (data, {"seed": 1}, "with seed 42, but this run has 1"),
        (data, {"per_device_train_batch_size": 2}, "rows_a_step 4, but this run has 2"),
        (data, {"model": make_model(1)}, "model_fingerprint .*; resume with the same model, data and settings"),
    ):
        model = settings.pop("model", None) or make_model()
        with pytest.raises(ValueError, match=message):
            trainer_of(model, others, quiet, **settings).train(resume_from_checkpoint=True)


def test_accumulated_batches_are_one_step(make_model, data, quiet):
    settings = {"lora": False, "optim": "sgd", "max_steps": 3}
    one = trainer_of(make_model(), data, quiet, per_device_train_batch_size=8, **settings)
    four = trainer_of(
        make_model(), data, quiet, per_device_train_batch_size=2, gradient_accumulation_steps=4, **settings
    )
    for trainer in (one, four):
        trainer.train()
    assert torch.equal(one.selector.num_visits, four.selector.num_visits)
    for name, part in state(one).items():
        torch.testing.assert_close(state(four)[name], part, rtol=1e-4, atol=1e-5, equal_nan=True, msg=name)


def test_every_row_is_visited_and_the_shorter_stream_begins_anew(make_model, data, quiet, caplog):
    lines = []

    class Watch(TrainerCallback):
        def on_log(self, args, state, control, logs, **_):
            lines.append(logs)

    trainer = trainer_of(
        make_model(), data, quiet, max_steps=-1, num_train_epochs=2.0, logging_steps=5.0, callbacks=[Watch()]
    )
    trainer.train()
    assert trainer.state.global_step == 10  # 2 epochs of 5 steps of 4 rows: 18 rows, rounded up
    visits = trainer.selector.num_visits
    assert (int(visits.sum()), int(visits.min())) == (40, 2)
    assert (lines[1]["tune_passes"], lines[1]["safe_passes"]) == (round(40 / 18, 3), round(40 / 7, 3))
    assert [line["upper_weight"] for line in lines[:2]] == pytest.approx([0.8, 0.77])
    assert {"tune_loss", "safe_loss", "u_loss"} < lines[0].keys()
    scores = trainer.scores
    assert scores.row_ids == data[0].ids
    assert scores.metadata["dataset_fingerprint"] == data[0].fingerprint
    assert scores.weights.mean() == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("lora", [True, False])
def test_copies_begin_alike_and_move_apart(lora, make_model, data):
    pair = ModelPair(make_model(), peft_config=LORA if lora else None).eval()
    batch = collate_rows([data[0][0], data[0][1]])
    inputs = (batch["input_ids"], batch["attention_mask"], batch["labels"])
    assert torch.equal(pair("theta", *inputs), pair("u", *inputs))
    for which, other in (("theta", "u"), ("u", "theta")):
        pair.zero_grad()
        pair(which, *inputs).sum().backward()
        assert all(part.grad is None for part in pair.trained(other).values())
        assert all(part.grad is not None for part in pair.trained(which).values())
    assert all(part.requires_grad for which in pair.copies for part in pair.trained(which).values())
    assert not pair.trained("theta").keys() & pair.trained("u").keys()


def test_adapters_come_off_the_model_as_it_was(make_model, data, quiet):
    model, fresh = make_model(), make_model()
    trainer = trainer_of(model, data, quiet, max_steps=2)
    trainer.train()
    back = trainer.model.unload()
    for (name, one), other in zip(back.named_parameters(), fresh.parameters(), strict=True):
        assert torch.equal(one, other), name


def test_models_are_loaded_by_their_place(make_model, tokenizer, data, quiet, tmp_path):
    folder = tmp_path / "model"
    make_model().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    loaded, given = (trainer_of(model, data, quiet, max_steps=2) for model in (str(folder), make_model()))
    assert loaded.scores.metadata["model"] == str(folder)
    assert_same(state(loaded), state(given))


def test_copies_are_clipped_apart(make_model, data, quiet):
    """The runs differ in what theta learns, and so in the norm of its gradient; u must move alike."""
    settings = {"lora": False, "optim": "sgd", "max_steps": 1, "max_grad_norm": 0.1}
    settings |= {"learning_rate": 1.0, "warmup_steps": 0.0}
    moved = []
    for share in (1.0, 1e-6):
        trainer = trainer_of(make_model(), data, quiet, upper_weight=share, upper_weight_decay=0.0, **settings)
        before = {name: part.detach().clone() for name, part in trainer.model.trained("u").items()}
        trainer.train()
        parts = trainer.model.trained("u")
        moved.append(torch.cat([(parts[name].detach() - before[name]).flatten() for name in parts]))
    torch.testing.assert_close(moved[0], moved[1], rtol=1e-4, atol=1e-7)
    assert float(moved[0].norm()) == pytest.approx(0.1, rel=1e-3)


def test_activation_checkpointing_changes_nothing(make_model, data, quiet):
    found = []
    names = {field.name for field in dataclasses.fields(SealConfig)}
    name = "activation_checkpointing" if "activation_checkpointing" in names else "gradient_checkpointing"
    for switch in (False, True):
        trainer = trainer_of(make_model(), data, quiet, max_steps=3, **{name: switch})
        trainer.train()
        found.append(state(trainer))
    for name, part in found[0].items():
        torch.testing.assert_close(found[1][name], part, equal_nan=True, msg=name)


def test_what_cannot_be_run_is_refused(make_model, data, quiet):
    for settings, message in (
        ({"algorithm": "full"}, "`algorithm` must be one of penalty, memory_efficient, got 'full'"),
        ({"selector_optimizer": "lion"}, "`selector_optimizer` must be one of"),
        ({"selector_learning_rate": -1.0}, "`selector_learning_rate` must be positive"),
        ({"upper_weight": 1.5}, "got 1.5 and 0.03"),
        ({"max_steps": -1, "num_train_epochs": 3.0, "upper_weight_decay": 0.4}, "falls to 0 in epoch 2"),
    ):
        with pytest.raises(ValueError, match=message):
            trainer_of(make_model(), data, quiet, **settings).train()
    with pytest.raises(ValueError, match="model's vocabulary has 100 ids"):
        trainer_of(make_model(vocab_size=100), data, quiet)
    broken = make_model()
    torch.nn.init.constant_(broken.lm_head.weight, torch.nan)
    with pytest.raises(ValueError, match=r"row.jsonl, line \d+: the loss is not finite at step 1 \(4 such rows\)"):
        trainer_of(broken, data, quiet).train()


def test_a_missing_safe_set_is_named(make_model, data):
    with pytest.raises(TypeError, match="`safe_dataset` must be EncodedRows, got NoneType; use RowEncoder"):
        _check_rows(make_model(), train_dataset=data[0], safe_dataset=None)


def test_safe_rows_whose_loss_is_no_number_stop_the_run_too(make_model, data, encode, quiet, tokenizer):
    tune, safe = data
    alone = sorted(
        {token for row in safe.token_ids for token in row} - {token for row in tune.token_ids for token in row}
    )
    model = make_model()
    with torch.no_grad():
        model.get_input_embeddings().weight[alone] = torch.nan
    with pytest.raises(ValueError, match=r"safe.jsonl, line \d+: the loss is not finite at step 1 "):
        trainer_of(model, data, quiet, save_strategy="steps", save_steps=1.0).train()
    assert not list(Path(quiet["output_dir"]).glob("checkpoint-*"))
