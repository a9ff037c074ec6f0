"""The paper's way of training: what its loss is, that it trains every part, and that ranks do not change it."""

import pytest
import torch

from memory_llm.larimar.episode_objective import EpisodeCollator, EpisodeObjective

TEXTS = ["the fox sleeps", "roses are red", "numbers such as 0 1 2", "a model reads"] * 2


def paper_model(make_larimar, **settings):
    fields = {"connector": "linear", "memory_slots": 8, "freeze_encoder": False, "freeze_decoder": False, **settings}
    return make_larimar(**fields)


def batch_of(larimar, episode_size=4):
    return EpisodeCollator(larimar, episode_size=episode_size)(TEXTS[:8])


@torch.no_grad()
def test_loss_is_the_weighted_sum_of_three_cross_entropies(make_larimar):
    larimar = paper_model(make_larimar, loss_weights={"rec": 0.5, "ae": 2.0, "lm": 1.0})
    batch = batch_of(larimar)
    found = EpisodeObjective(larimar.model)(**batch)
    latent = larimar.encode(TEXTS[:8])

    def cross_entropy(given):
        total, count = 0.0, 0
        for row in range(8):
            ids = batch["input_ids"][row][batch["attention_mask"][row].bool()][None]
            logits = larimar.model(ids, latent=given[row : row + 1]).logits[0, :-1].log_softmax(-1)
            total -= float(logits.gather(-1, ids[0, 1:, None]).sum())
            count += ids.shape[1] - 1
        return total / count

    assert float(found["ae"]) == pytest.approx(cross_entropy(latent), rel=1e-3)
    assert float(found["lm"]) == pytest.approx(cross_entropy(torch.zeros_like(latent)), rel=1e-3)
    expected = 0.5 * found["rec"] + 2 * found["ae"] + found["lm"]
    torch.testing.assert_close(found["loss"], expected)


@torch.no_grad()
def test_readout_of_what_was_written_is_itself(make_larimar):
    """With fewer texts than slots, auto-associative reading is a projection on what is stored."""
    larimar = paper_model(make_larimar)
    latent = torch.randn(8, 16, generator=torch.Generator().manual_seed(0))
    readout = EpisodeObjective(larimar.model)._readout(latent, 4)
    torch.testing.assert_close(readout, latent, rtol=1e-3, atol=1e-3)


def test_every_part_learns(make_larimar):
    larimar = paper_model(make_larimar, loss_weights={"l2": 0.1})
    model = larimar.model.train()
    EpisodeObjective(model, noise=0.1)(**batch_of(larimar))["loss"].backward()
    silent = {name for name, part in model.named_parameters() if part.grad is None or not part.grad.abs().sum()}
    assert {name.split(".")[0] for name in silent} <= {"encoder"}  # type and unused position embeddings
    assert model.prior.grad.isfinite().all()


def test_batches_that_hold_no_whole_episode_are_refused(make_larimar):
    with pytest.raises(ValueError, match="a batch of 8 texts holds no whole episodes of 3"):
        EpisodeCollator(paper_model(make_larimar), episode_size=3)(TEXTS)


WORKER = """
import json, sys, torch
sys.path.insert(0, sys.argv[1])
from conftest import build_larimar
from memory_llm.larimar.episode_objective import EpisodeCollator, EpisodeObjective
from memory_llm.training.objective_trainer import ObjectiveTrainer
from transformers import TrainingArguments

torch.set_num_threads(1)
settings = {"connector": "linear", "memory_slots": 8, "freeze_encoder": False, "freeze_decoder": False}
larimar = build_larimar(**settings)
texts = [f"the {a} {b} in the sun" for a in ("fox", "dog", "cat", "hen") for b in ("sleeps", "reads", "is", "jumps")]
arguments = TrainingArguments(
    output_dir=sys.argv[2], max_steps=3, per_device_train_batch_size=int(sys.argv[3]), use_cpu=True, report_to="none",
    remove_unused_columns=False, learning_rate=0.05, optim="sgd", disable_tqdm=True, save_strategy="no", logging_steps=1,
    dataloader_pin_memory=False, train_sampling_strategy="sequential",
)
trainer = ObjectiveTrainer(EpisodeObjective(larimar.model.train()), args=arguments, train_dataset=texts,
                         data_collator=EpisodeCollator(larimar, episode_size=4))
trainer.train()
if trainer.is_world_process_zero():
    losses = [line["loss"] for line in trainer.state.log_history if "loss" in line]
    weights = {name: float(part.detach().double().norm()) for name, part in larimar.model.named_parameters()}
    json.dump({"losses": losses, "weights": weights}, open(sys.argv[4], "w"))
if torch.distributed.is_initialized():
    torch.distributed.barrier()
    torch.distributed.destroy_process_group()
"""


@pytest.mark.slow
def test_two_processes_train_as_one(tmp_path, launched):
    # With SGD: Adam would blow up the rounding of gradients that are zero.
    one, two = (launched(WORKER, tmp_path, processes) for processes in (1, 2))
    assert two["losses"] == pytest.approx(one["losses"], rel=1e-5)
    assert two["weights"] == pytest.approx(one["weights"], rel=1e-5, abs=1e-6)
