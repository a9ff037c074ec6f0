"""Both strategies on a transformer: a budget on the safety loss that is kept, and a radius that is kept.

The task is on eight topics, four of which are sensitive, so that nothing is free: without a constraint the model stops
declining. Safety rows are as many as task rows, lest their loss in training be another than on rows held out.
"""

import copy
from pathlib import Path
from typing import Any

import torch
from overlap_frontiers import topics_of_task
from seal_toy import declines, encoded, settings, toy_rows
from torch import Tensor
from toy_tasks import FIRST, task_rows
from transformers import TrainerCallback

from safe_finetune.constrained import ConstrainedSFTConfig, ConstrainedSFTTrainer
from safe_finetune.sweeps import judge_losses

OVERLAP, NUM_ROWS, NUM_HELD_OUT, NUM_ASKED = 0.5, 8000, 2000, 400
TRAINING: dict[str, Any] = {
    "max_steps": 400,
    "per_device_train_batch_size": 32,
    "learning_rate": 1e-3,
    "lr_scheduler_type": "cosine",
}
BUDGET: dict[str, Any] = {
    "safety_slack": 0.1,
    "safety_weight": 2.0,  # near the price that it ends at; the default is 0
    "weight_learning_rate": 0.5,
    "safety_fraction": 1.0,
}
FREE: dict[str, Any] = {"mode": "penalty", "safety_weight": 0.0}
FROM_ZERO: dict[str, Any] = {**BUDGET, "safety_weight": 0.0}
BALL: dict[str, Any] = {"radius": 1.0, "max_steps": 100}
METHODS = {"free": FREE, "budget": BUDGET, "budget, lambda from 0": FROM_ZERO, "radius": BALL}


def constrained(aligned: Any, seed: int, folder: Path) -> dict[str, dict[str, float]]:
    """What is measured after free fine-tuning, within a budget and within a radius."""
    topics = topics_of_task(OVERLAP)
    task, held_out = (
        encoded(task_rows(FIRST, topics, count, [seed, 80, use])) for use, count in enumerate((NUM_ROWS, NUM_HELD_OUT))
    )
    safety = encoded(toy_rows({"declined": NUM_ROWS}, seed, "many safety rows"))
    unseen = toy_rows({"declined": NUM_HELD_OUT}, seed, "many held out")
    found = {}
    for name, limits in METHODS.items():
        model = copy.deepcopy(aligned)
        norms = NormAtEachStep(model)
        args = ConstrainedSFTConfig(**settings(folder, seed=seed, **{**TRAINING, **limits}))
        rows = None if name == "radius" else safety
        trainer = ConstrainedSFTTrainer(model, args, task, rows, callbacks=[norms])
        trainer.train()
        safety_loss, task_loss = judge_losses(model, held_out, encoded(unseen), batch_size=200)
        found[name] = {
            "safety_loss": safety_loss,
            "task_loss": task_loss,
            "declines": declines(model, unseen[:NUM_ASKED]),
            "norm": max(norms.found),
        }
        if name.startswith("budget") and trainer.multiplier is not None:
            found[name] |= {"budget": trainer.multiplier.budget, "price": trainer.multiplier.value}
        if trainer.radius is not None:
            found[name]["projected"] = trainer.radius.num_projections / trainer.radius.num_steps
    return found


class NormAtEachStep(TrainerCallback):
    """Norm of the change after every step, in float64 and without the package's own code."""

    def __init__(self, model: Any):
        self.before = self._flat(model)
        self.found: list[float] = []

    def on_step_end(self, *_: Any, model: Any = None, **__: Any) -> None:
        """Measure."""
        self.found.append(float((self._flat(model) - self.before).norm()))

    @staticmethod
    def _flat(model: Any) -> Tensor:
        return torch.cat([part.detach().double().reshape(-1) for part in model.parameters()])
