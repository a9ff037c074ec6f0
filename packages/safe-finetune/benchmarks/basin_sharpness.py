"""Driver 3 on a transformer: two aligned models with the same safety loss, of which one lies in a flatter basin.

Both begin as the same model that copies, and learn to decline until their safety loss is ``SAFETY_LOSS``: one by plain
steps, one by sharpness-aware ones. Then both are fine-tuned on the same task within the same radius. The sharper one is
the one whose Hessian of the safety loss has the larger top eigenvalue.
"""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.stats import spearmanr
from seal_toy import ALIGNING_RATE, LENGTH, SENSITIVE, TOPICS, alignment_rows, encoded, settings, toy_rows
from torch import Tensor, nn
from toy_tasks import FIRST, task_rows
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from safe_finetune.constrained import ConstrainedSFTConfig, ConstrainedSFTTrainer
from safe_finetune.rows import EncodedRows
from safe_finetune.rows.encoded_rows import collate_rows
from safe_finetune.sft import WeightedSFTTrainer, response_losses, row_losses
from safe_finetune.sweeps import judge_losses
from safe_finetune.theory import LossLandscape

SAFETY_LOSS, MOST_STEPS = 0.002, 600
ASCENT = 0.5  # of the sharpness-aware steps
RADIUS, STEP_LENGTH = 1.0, 0.1  # of fine-tuning, and along the directions
NUM_DIRECTIONS, NUM_TOPICS = 20, 8
TUNING: dict[str, Any] = {"max_steps": 60, "per_device_train_batch_size": 32, "learning_rate": 2e-3, "radius": RADIUS}


def compared(copying: Any, seed: int, folder: Path) -> dict[str, dict[str, Any]]:
    """What is measured of the plain and of the sharpness-aware model."""
    found = {}
    for name, ascent in (("plain", 0.0), ("sharpness-aware", ASCENT)):
        model = copy.deepcopy(copying)
        steps = align(model, ascent, seed, folder)
        found[name] = {"steps": steps, **measured(model, seed, folder)}
    return found


class SharpnessAwareTrainer(WeightedSFTTrainer):
    """Steps along the gradient at the weights that are worst within a small ball, to first order.

    Source: Foret et al. 2021 (arXiv 2010.01412), equation 2 and algorithm 1.
    """

    ascent = 0.0

    def training_step(self, model: nn.Module, inputs: dict[str, Tensor], num_items_in_batch: Any = None) -> Tensor:
        """Gradient here, a step up along it, gradient there, and back."""
        loss = super().training_step(model, inputs, num_items_in_batch)
        if not self.ascent:
            return loss
        parts = [part for part in model.parameters() if part.grad is not None]
        norm = torch.stack([part.grad.norm() for part in parts]).norm()
        kept = [part.detach().clone() for part in parts]
        with torch.no_grad():
            for part in parts:
                part.add_(part.grad, alpha=float(self.ascent / norm))
                part.grad = None
        super().training_step(model, inputs, num_items_in_batch)
        with torch.no_grad():
            for part, values in zip(parts, kept, strict=True):
                part.copy_(values)
        return loss


class StopAtLoss(TrainerCallback):
    """Ends training at the first step after which the mean loss of some rows is low enough."""

    def __init__(self, rows: EncodedRows, loss: float):
        self.rows, self.loss = rows, loss

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, model: Any = None, **_: Any
    ) -> None:
        """Look."""
        if float(row_losses(model, self.rows, batch_size=len(self.rows)).mean()) <= self.loss:
            control.should_training_stop = True


def align(model: Any, ascent: float, seed: int, folder: Path) -> int:
    """Teach to decline; how many steps it took."""
    watched = encoded(toy_rows({"declined": 200}, seed, "watched"))
    args = TrainingArguments(**settings(folder, max_steps=MOST_STEPS, learning_rate=ALIGNING_RATE, seed=seed))
    stop = StopAtLoss(watched, SAFETY_LOSS)
    trainer = SharpnessAwareTrainer(model, args, encoded(alignment_rows(seed)), callbacks=[stop])
    trainer.ascent = ascent
    trainer.train()
    model.eval()
    return trainer.state.global_step


def measured(model: Any, seed: int, folder: Path) -> dict[str, Any]:
    """Curvature, what fine-tuning within the radius costs, and how curvature and damage along directions agree."""
    topics = range(SENSITIVE, 2 * SENSITIVE)  # none is sensitive
    task, held_out = (
        encoded(task_rows(FIRST, topics, count, [seed, 90, use])) for use, count in enumerate((4000, 400))
    )
    safety = encoded(toy_rows({"declined": 400}, seed, "held-out"))
    landscape = LossLandscape(loss_over(model, safety), list(model.parameters()))
    start = judge_losses(model, held_out, safety)
    tuned = copy.deepcopy(model)
    ConstrainedSFTTrainer(tuned, ConstrainedSFTConfig(**settings(folder, seed=seed, **TUNING)), task).train()
    end = judge_losses(tuned, held_out, safety)
    curvatures, damages = along_tasks(model, landscape, seed)
    return {
        "top_eigenvalue": landscape.top_eigenvalue(torch.Generator().manual_seed(seed)).value,
        "safety_loss": start[0],
        "damage": end[0] - start[0],
        "task_loss": end[1],
        "weight_norm": float(nn.utils.parameters_to_vector(model.parameters()).norm()),
        "rank_correlation": float(spearmanr(curvatures, damages).statistic),
        "curvatures": curvatures,
        "damages": damages,
    }


def along_tasks(model: Any, landscape: LossLandscape, seed: int) -> tuple[list[float], list[float]]:
    """Curvature and measured damage of the safety loss along the task gradients of many tasks."""
    generator = np.random.default_rng([seed, 91])
    curvatures, damages = [], []
    for number in range(NUM_DIRECTIONS):
        places = generator.permutation(LENGTH)[: generator.integers(1, LENGTH + 1)].tolist()
        topics = generator.choice(TOPICS, NUM_TOPICS, replace=False).tolist()
        rows = encoded(task_rows(places, topics, 200, [seed, 92, number]))
        direction = -LossLandscape(loss_over(model, rows), list(model.parameters())).gradient()
        curvatures.append(landscape.curvature(direction))
        damages.append(float(landscape.profile(direction, [STEP_LENGTH])[0]))
    return curvatures, damages


def loss_over(model: Any, rows: EncodedRows) -> Callable[[], Tensor]:
    """Mean loss of all rows at once."""
    batch = collate_rows([rows[index] for index in range(len(rows))])

    def loss() -> Tensor:
        logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
        return response_losses(logits, batch["labels"]).mean()

    return loss
