"""Weights weigh, steps are full, and orders follow from seed and position."""

import dataclasses
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import TrainingArguments

from safe_finetune.sft import WeightedSFTTrainer, row_losses
from safe_finetune.sft.streams import CyclicOrder, PositionSampler


def trained(model, rows, quiet, **settings):
    arguments = {"optim": "sgd", "lr_scheduler_type": "constant", "max_grad_norm": 0.0, **settings}
    WeightedSFTTrainer(model, TrainingArguments(**{**quiet, **arguments}), rows).train()
    return torch.cat([part.detach().flatten() for part in model.parameters()])


def test_rows_without_weight_are_not_learnt(make_model, encode, make_rows, quiet):
    """One step over four rows of weights 2, 2, 0, 0 is one over the first two alone."""
    rows = make_rows(4)
    rows = [dataclasses.replace(row, weight=2.0 if number < 2 else 0.0) for number, row in enumerate(rows)]
    halves = [dataclasses.replace(row, weight=1.0) for row in rows[:2]]
    one = trained(make_model(), encode(rows), quiet, max_steps=1)
    other = trained(make_model(), encode(halves), quiet, max_steps=1, per_device_train_batch_size=2)
    before = torch.cat([part.detach().flatten() for part in make_model().parameters()])
    torch.testing.assert_close(one - before, other - before, rtol=1e-3, atol=1e-6)
    assert float((one - before).norm()) > 1e-3


def test_accumulated_steps_are_full_steps(make_model, encode, make_rows, quiet):
    rows = encode(make_rows(6))
    one = trained(make_model(), rows, quiet, num_train_epochs=2)
    settings = {"per_device_train_batch_size": 1, "gradient_accumulation_steps": 4}
    four = trained(make_model(), rows, quiet, num_train_epochs=2, **settings)
    torch.testing.assert_close(one, four, rtol=1e-4, atol=1e-6)


def test_training_learns_its_rows(make_model, encode, make_rows, quiet):
    model, rows = make_model(), encode(make_rows(8))
    before = row_losses(model, rows).mean()
    trained(model, rows, quiet, optim="adamw_torch", max_steps=20)
    assert row_losses(model, rows).mean() < 0.6 * before


def test_every_pass_is_a_permutation_of_its_own():
    order = CyclicOrder(7, seed=3)
    passes = [[order[7 * number + place] for place in range(7)] for number in range(3)]
    assert all(sorted(rows) == list(range(7)) for rows in passes)
    assert len({tuple(rows) for rows in passes}) == 3
    assert [order[place] for place in range(7)] == passes[0]
    assert passes[0] != [CyclicOrder(7, seed=3, stream=1)[place] for place in range(7)]
    assert passes[0] == [CyclicOrder(7, seed=3)[place] for place in range(7)]


@given(st.lists(st.integers(1, 9), min_size=6, max_size=6), st.integers(0, 2))
def test_a_step_hands_out_its_positions_by_length(lengths, epoch):
    sampler = PositionSampler(2, 3, lambda: epoch, lambda position: lengths[position - 6 * epoch])
    positions = list(sampler)
    assert len(sampler) == len(positions) == 6
    for step in range(2):
        drawn = positions[3 * step : 3 * step + 3]
        assert sorted(drawn) == [6 * epoch + 3 * step + place for place in range(3)]
        of_these = [lengths[position - 6 * epoch] for position in drawn]
        assert of_these == sorted(of_these)


def test_a_loss_that_is_no_number_stops_before_anything_is_learnt_from_it(make_model, encode, make_rows, quiet):
    """By itself transformers logs 0 for such a loss and goes on."""
    model, rows = make_model(), encode(make_rows(4))
    torch.nn.init.constant_(model.lm_head.weight, torch.inf)
    before = [part.clone() for part in model.parameters()]
    settings = {"max_steps": 2, "per_device_train_batch_size": 2, "save_strategy": "steps", "save_steps": 1.0}
    with pytest.raises(ValueError, match=r"row.jsonl, line \d: the loss is not finite at step 1 \(2 such rows\)"):
        trained(model, rows, quiet, **settings)
    assert all(torch.equal(part, kept) for part, kept in zip(model.parameters(), before, strict=True))
    assert not list(Path(quiet["output_dir"]).glob("checkpoint-*"))


def test_rows_must_be_encoded(make_model, encode, make_rows, quiet):
    with pytest.raises(ValueError, match="vocabulary has 50 ids"):
        trained(make_model(vocab_size=50), encode(make_rows(2)), quiet)
