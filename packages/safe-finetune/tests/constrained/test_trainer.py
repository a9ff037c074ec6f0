"""A constrained run keeps what it promises, and depends on nothing but data, settings and seed."""

import json
import logging
import shutil
from pathlib import Path

import pytest
import torch
from peft import LoraConfig

from safe_finetune.constrained import ConstrainedSFTConfig, ConstrainedSFTTrainer
from safe_finetune.constrained.conflicts import conflicting_rows, warn_of_conflicts
from safe_finetune.constrained.reference import response_divergences
from safe_finetune.constrained.streams import MixedRows
from safe_finetune.sft import WeightedSFTTrainer
from safe_finetune.sft.adapters import with_adapters

LORA = LoraConfig(r=4, lora_alpha=8, target_modules=["q_proj", "v_proj", "up_proj", "down_proj"])


@pytest.fixture
def sets(encode, make_rows):
    """Task rows and safety rows, whose answers differ."""
    return encode(make_rows(24)), encode(make_rows(8, prefix="safe", answer="sun {1} day {0}"))


@pytest.fixture
def run(make_model, sets, quiet):
    """``run(**settings)``: a trained trainer."""

    def train(*, model=None, safety=True, resume=None, **settings):
        args = ConstrainedSFTConfig(**{**quiet, "max_steps": 10, **settings})
        model = make_model() if model is None else model
        trainer = ConstrainedSFTTrainer(model, args, sets[0], sets[1] if safety else None)
        trainer.train(resume_from_checkpoint=resume)
        return trainer

    return train


def state_of(trainer) -> dict[str, torch.Tensor]:
    return {name: part.detach().clone() for name, part in trainer.model.named_parameters()}


def test_the_budget_is_kept_and_costs_something(run):
    free = run(max_steps=60, mode="penalty", safety_weight=0.0)
    budget = 0.7 * free.safety_loss()
    bound = run(max_steps=60, safety_budget=budget, safety_fraction=0.5, logging_steps=1.0)
    assert bound.safety_loss() < budget + 0.1
    assert max(log.get("safety_weight", 0.0) for log in bound.state.log_history) > 0.1
    assert not bound.multiplier.is_infeasible


def test_a_weight_of_zero_is_plain_fine_tuning(run, make_model, sets, quiet):
    constrained = run(mode="penalty", safety_weight=0.0)
    from transformers import TrainingArguments

    plain = WeightedSFTTrainer(make_model(), TrainingArguments(**quiet, max_steps=10), sets[0])
    plain.train()
    for one, other in zip(state_of(constrained).values(), state_of(plain).values(), strict=True):
        assert torch.allclose(one, other, atol=1e-5)


def test_accumulation_changes_nothing(run):
    settings = {"safety_weight": 1.0, "safety_fraction": 0.5, "optim": "sgd", "learning_rate": 0.5, "weight_decay": 0.0}
    whole = run(**settings, per_device_train_batch_size=8)
    parts = run(**settings, per_device_train_batch_size=2, gradient_accumulation_steps=4)
    assert whole.multiplier.value == pytest.approx(parts.multiplier.value, rel=1e-5)
    for one, other in zip(state_of(whole).values(), state_of(parts).values(), strict=True):
        assert torch.allclose(one, other, atol=1e-5)


def test_safety_rows_are_evenly_mixed(sets):
    mixed = MixedRows(sets[0], sets[1], 0.3, seed=0)
    has = [mixed[position].safety is not None for position in range(100)]
    for start in range(0, 90):
        assert 2 <= sum(has[start : start + 10]) <= 4
    assert sum(has) == 30
    assert MixedRows(sets[0], None, 0.3, seed=0)[3].safety is None


@pytest.mark.parametrize("lora", [False, True])
def test_divergence_from_the_start_is_none_and_then_kept_small(run, make_model, lora):
    model = with_adapters(make_model(), LORA, "one") if lora else make_model()
    free = run(model=model, max_steps=30, loss_kind="kl", mode="penalty", safety_weight=0.0)
    assert free.start == pytest.approx(0.0, abs=1e-6)
    model = with_adapters(make_model(), LORA, "one") if lora else make_model()
    bound = run(model=model, max_steps=30, loss_kind="kl", mode="penalty", safety_weight=10.0, safety_fraction=1.0)
    assert 0 < bound.safety_loss() < 0.5 * free.safety_loss()


def test_divergence_is_that_of_whole_distributions():
    generator = torch.Generator().manual_seed(0)
    reference, logits = (torch.randn(2, 4, 5, generator=generator) for _ in range(2))
    labels = torch.tensor([[-100, -100, 1, 2], [-100, 3, -100, -100]])
    by_hand = torch.nn.functional.kl_div(
        logits.log_softmax(-1), reference.log_softmax(-1), reduction="none", log_target=True
    ).sum(-1)
    expected = torch.stack([by_hand[0, 1:3].mean(), by_hand[1, 0]])
    assert torch.allclose(response_divergences(reference, logits, labels), expected, atol=1e-6)


def test_both_constraints_at_once(run):
    trainer = run(relative_radius=0.01, safety_weight=1.0)
    assert max(trainer.radius.shares().values()) <= 0.01 * (1 + 1e-5)
    assert trainer.multiplier.steps > 0


def test_a_pull_to_the_start_shortens_the_way(run):
    far = run(safety=False, radius=100.0)
    near = run(safety=False, radius=100.0, proximal=10.0)
    assert near.radius.norm() < 0.8 * far.radius.norm()


@pytest.mark.parametrize("lora", [False, True])
def test_a_resumed_run_ends_with_the_same_bytes(run, make_model, quiet, lora):
    def model():
        torch.manual_seed(0)
        return with_adapters(make_model(), LORA, "one") if lora else make_model()

    settings = {"save_strategy": "steps", "save_steps": 5.0, "safety_fraction": 0.5, "relative_radius": 0.05}
    whole = run(model=model(), **settings)
    folder = Path(quiet["output_dir"])
    shutil.rmtree(folder / "checkpoint-10")
    resumed = run(model=model(), **settings, resume=str(folder / "checkpoint-5"))
    assert resumed.multiplier == whole.multiplier
    assert resumed.radius.num_projections == whole.radius.num_projections
    for one, other in zip(state_of(whole).values(), state_of(resumed).values(), strict=True):
        assert torch.equal(one, other)


def test_another_run_is_not_taken_up(run, quiet):
    run(save_strategy="steps", save_steps=5.0)
    with pytest.raises(
        ValueError, match="checkpoint-5 was written with seed 42, but this run has 1; resume with the same"
    ):
        run(seed=1, resume=str(Path(quiet["output_dir"]) / "checkpoint-5"))


@pytest.mark.parametrize("lora", [False, True])
def test_a_run_of_another_model_is_not_taken_up(run, make_model, quiet, lora):
    """Its ball would be around other weights; adapters are drawn anew and do not count."""

    def model(seed):
        return with_adapters(make_model(seed), LORA, "one") if lora else make_model(seed)

    run(model=model(0), relative_radius=0.05, save_strategy="steps", save_steps=5.0)
    folder = str(Path(quiet["output_dir"]) / "checkpoint-5")
    with pytest.raises(ValueError, match="with aligned_model .*; resume with the same model, data and settings"):
        run(model=model(1), relative_radius=0.05, resume=folder)
    run(model=model(0), relative_radius=0.05, resume=folder)


@pytest.mark.parametrize("loss_kind", ["nll", "kl"])
def test_a_safety_loss_that_is_no_number_is_refused_before_training(make_model, sets, quiet, loss_kind):
    model = make_model()
    torch.nn.init.constant_(model.lm_head.weight, torch.nan)
    with pytest.raises(ValueError, match=r"safe.jsonl, line 1: the loss is not finite \(8 such rows\); take a smaller"):
        ConstrainedSFTTrainer(model, ConstrainedSFTConfig(**quiet, loss_kind=loss_kind), *sets)


@pytest.mark.parametrize("safety", [False, True])
def test_a_loss_that_is_no_number_stops_the_run_before_anything_is_learnt_from_it(make_model, sets, quiet, safety):
    model = make_model()
    args = ConstrainedSFTConfig(
        **{**quiet, "save_strategy": "steps", "save_steps": 1.0}, radius=1.0, safety_fraction=1.0, max_steps=2
    )
    trainer = ConstrainedSFTTrainer(model, args, sets[0], sets[1] if safety else None)
    others = {token for row in sets[0].token_ids for token in row} if safety else set()
    alone = sorted({token for row in sets[safety].token_ids for token in row} - others)
    with torch.no_grad():
        model.get_input_embeddings().weight[alone] = torch.inf
    before = state_of(trainer)
    name = "safe" if safety else "row"
    with pytest.raises(ValueError, match=rf"{name}.jsonl, line \d+: the loss is not finite at step 1 "):
        trainer.train()
    assert all(torch.equal(part, before[name]) for name, part in state_of(trainer).items())
    assert not list(Path(quiet["output_dir"]).glob("checkpoint-*"))


WORKER = """
import json, sys
from pathlib import Path
import torch
from gpu_commons.testing import tiny_model, tiny_tokenizer
from safe_finetune.constrained import ConstrainedSFTConfig, ConstrainedSFTTrainer
from safe_finetune.rows import Message, Row, RowEncoder

torch.set_num_threads(1)
def rows(count, name):
    return [Row(id=f"{name}-{k}", place=f"{name} {k}", messages=(
        Message("user", f"{name} fox {k}"), Message("assistant", f"the day {name} {k * 7 % 5}"))) for k in range(count)]
encode = lambda these: RowEncoder().encode(these, tiny_tokenizer())
args = ConstrainedSFTConfig(output_dir=sys.argv[2] + ".run", use_cpu=True, max_steps=6, save_strategy="no", report_to="none",
    per_device_train_batch_size=int(sys.argv[1]), learning_rate=0.5, optim="sgd", lr_scheduler_type="constant",
    disable_tqdm=True, dataloader_pin_memory=False, safety_fraction=0.4, safety_weight=1.0, relative_radius=0.05)
trainer = ConstrainedSFTTrainer(tiny_model(num_hidden_layers=1), args, encode(rows(20, "task")), encode(rows(7, "safe")))
trainer.train()
if trainer.is_world_process_zero():
    found = {"weight": trainer.multiplier.value, "average": trainer.multiplier.average, "norm": trainer.radius.norm()}
    Path(sys.argv[2]).write_text(json.dumps(found))
"""


@pytest.mark.slow
def test_two_processes_find_what_one_does(tmp_path, launched):
    one, two = launched(WORKER, tmp_path, 1), launched(WORKER, tmp_path, 2)
    assert one == pytest.approx(two, rel=1e-5)


def test_conflicts_are_told_by_id(encode, make_rows, make_model, quiet, caplog):
    task, safety = encode(make_rows(8)), encode(make_rows(8, answer="no {0} {1}"))
    assert conflicting_rows(task, safety)[0] == ("row-0", "row-0")
    assert conflicting_rows(task, task) == []
    with caplog.at_level(logging.WARNING):
        ConstrainedSFTTrainer(make_model(), ConstrainedSFTConfig(**quiet), task, safety)
    assert "8 of 8 safety rows have the prompt of a task row that is answered otherwise" in caplog.text


def test_few_conflicts_are_not_worth_a_word_and_many_are_not_all_listed(encode, make_rows, caplog):
    safety = encode(make_rows(40, answer="no {0} {1}"))
    warn_of_conflicts(encode(make_rows(2)), safety)
    assert not caplog.text
    warn_of_conflicts(encode(make_rows(9)), safety)
    assert "9 of 40 safety rows" in caplog.text
    assert "row-4 against row-4: for these" in caplog.text


def test_a_budget_out_of_reach_is_said(run, caplog):
    with caplog.at_level(logging.INFO):
        trainer = run(safety_budget=1e-6, weight_learning_rate=10.0, max_safety_weight=1.0)
    assert f"safety loss is {trainer.start:.4f} before training, budget 0.0000" in caplog.text
    assert "a budget of 0.0000 cannot be kept; allow more, or train longer" in caplog.text


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"mode": "dual"}, "`mode` must be one of lagrangian, penalty, got 'dual'"),
        ({"loss_kind": "mse"}, "`loss_kind` must be one of nll, kl, got 'mse'"),
        ({"radius": 0.0}, "`radius` must be positive, got 0.0"),
        ({"safety_budget": -1.0}, "`safety_budget` must be positive, got -1.0"),
        ({"radius": 1.0, "relative_radius": 1.0}, "`radius` and `relative_radius` exclude each other"),
        ({"safety_fraction": 0.0}, r"`safety_fraction` must be in \(0, 1\], got 0.0"),
        ({"proximal": -1.0}, "`proximal` must not be negative, got -1.0"),
    ],
)
def test_settings_are_checked(quiet, settings, message):
    with pytest.raises(ValueError, match=message):
        ConstrainedSFTConfig(**quiet, **settings)


def test_a_run_needs_a_constraint_and_rows(make_model, sets, quiet, encode):
    args = ConstrainedSFTConfig(**quiet)
    with pytest.raises(ValueError, match="nothing is constrained; give a `safety_dataset`, a radius, or `proximal`"):
        ConstrainedSFTTrainer(make_model(), args, sets[0])
    trainer = ConstrainedSFTTrainer(make_model(), ConstrainedSFTConfig(**quiet, radius=1.0), sets[0])
    with pytest.raises(ValueError, match="there are no safety rows"):
        trainer.safety_loss()
    model = make_model()
    model.is_quantized = True
    for bound in ({"radius": 1.0}, {"relative_radius": 0.1}):
        with pytest.raises(ValueError, match="weights of a quantised model have no radius; train LoRA adapters on it"):
            ConstrainedSFTTrainer(model, ConstrainedSFTConfig(**quiet, **bound), sets[0])
    assert json.loads(json.dumps(trainer._run()))["safety_fingerprint"] is None
