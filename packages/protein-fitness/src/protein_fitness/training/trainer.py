"""Training by transformers' Trainer on residues that are to be predicted."""

import logging
import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader
from transformers import PrinterCallback, Trainer, TrainerState, TrainingArguments
from transformers.trainer import TRAINER_STATE_NAME
from transformers.trainer_utils import get_last_checkpoint

from protein_fitness.model.s3f import S3FModel
from protein_fitness.training.batches import ResidueBatches, collate
from protein_fitness.training.dataset import EvaluationChains, MaskedChains
from protein_fitness.training.evaluation import Recovery, evaluate

CHECKPOINTS = "checkpoints"
logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """How a network is trained; the optimizer is the paper's: Adam at a constant rate.

    Attributes:
        epochs: How often each chain is seen.
        steps: If given, batches that are learnt from, and ``epochs`` does not count.
        learning_rate: Of Adam.
        batch_residues: About so many are in a batch. The paper has 128 chains (S2F) or 8 (S3F) in one.
        evaluate_every: Steps between two evaluations, after each of which a checkpoint is kept; None for two epochs.
        seed: Of the order of chains, and of dropout.
    """

    epochs: float | int = 100
    steps: int | None = None
    learning_rate: float | int = 2e-4
    batch_residues: int = 4000
    evaluate_every: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("epochs", "steps", "learning_rate", "batch_residues", "evaluate_every"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise ValueError(f"`{name}` of a training must be above 0, got {value}.")


class FitnessTrainer(Trainer):
    """A Trainer whose loss is the mean cross-entropy, in nats, of a batch's selected residues.

    Args:
        model: S2F or S3F.
        args: Of transformers.
        train: Chains to learn from.
        validation: Chains by which the checkpoint is chosen.
        batch_residues: About so many are in a batch.

    Raises:
        ValueError: If the process sees several GPUs or is one of several.
    """

    def __init__(
        self,
        model: S3FModel,
        args: TrainingArguments,
        train: MaskedChains,
        validation: EvaluationChains,
        batch_residues: int,
    ):
        if args.n_gpu > 1 or args.world_size > 1:
            raise ValueError(
                f"training runs in one process with one GPU; this is one of {args.world_size} and sees {args.n_gpu} "
                "GPUs. Start one process, and show it one GPU."
            )
        super().__init__(model, args, train_dataset=train, eval_dataset=validation)
        self.remove_callback(PrinterCallback)  # stdout is for results
        self.batches = ResidueBatches(train.sizes(), batch_residues, args.seed, self._epoch)

    def get_train_dataloader(self) -> Any:
        """Batches of the epoch that the trainer is in."""
        return self.accelerator.prepare(
            DataLoader(self.train_dataset, batch_sampler=self.batches, collate_fn=collate, pin_memory=False)
        )

    def compute_loss(self, model: nn.Module, inputs: dict[str, Any], return_outputs: bool = False, **_: Any) -> Any:
        """Mean over the batch's selected residues.

        Raises:
            ValueError: If it is not finite; nothing is learnt from the step, and earlier checkpoints stay.
        """
        residues = inputs["graph"]["residue"]
        logits = model(graph=inputs["graph"])
        loss = nn.functional.cross_entropy(logits[residues.mask], residues.y[residues.mask])
        if not torch.isfinite(loss):
            raise ValueError(
                f"the loss is {loss.item()} at step {self.state.global_step + 1}; lower the learning rate, and look at the "
                "chains."
            )
        return (loss, logits) if return_outputs else loss

    def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
        """NLL in nats and accuracy of the hidden residues of validation."""
        found = evaluate(self.accelerator.unwrap_model(self.model), self.eval_dataset)
        metrics = {"eval_nll": found.mean_nll, "eval_accuracy": found.accuracy}
        logger.info(
            "step %d: validation NLL %.4f nats, accuracy %.3f", self.state.global_step, found.mean_nll, found.accuracy
        )
        self.log(dict(metrics))
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)  # type: ignore[has-type]  # set by Trainer
        return metrics

    def floating_point_ops(self, inputs: dict[str, Any]) -> int:
        """Not counted: transformers would count tokens, and a graph has none."""
        return 0

    def _epoch(self) -> int:
        # By steps, so that a run that goes on within an epoch is in that one.
        return int(self.state.global_step) // len(self.batches)


def train_fitness_model(
    model: S3FModel,
    train: MaskedChains,
    validation: EvaluationChains,
    *,
    out: str | os.PathLike[str],
    settings: TrainingSettings,
    resume: bool = False,
) -> Recovery:
    """Train a network, and leave it as it was where validation was best.

    Args:
        model: S2F or S3F, trained in place.
        train: Chains to learn from.
        validation: Chains by which the checkpoint is chosen.
        out: Folder for checkpoints; they stay.
        settings: How it is trained.
        resume: Go on from the last checkpoint, if there is one; the result is that of a run that was not cut off.

    Returns:
        What the network recovers of validation.

    Raises:
        ValueError: If there are checkpoints and ``resume`` is not set, or a setting does not fit.

    Source: S3F (Zhang et al. 2024) 4.1. Differs: the checkpoint is chosen by likelihood, not accuracy, which moves in
    steps of one residue.
    """
    folder = Path(out).expanduser() / CHECKPOINTS
    last = get_last_checkpoint(folder) if folder.is_dir() else None
    if last is not None and not resume:
        raise ValueError(f"{folder} has checkpoints; set `resume` to go on from the last, or choose another folder.")
    trainer = FitnessTrainer(model, _arguments(folder, train, settings), train, validation, settings.batch_residues)
    done = None if last is None else TrainerState.load_from_json(str(Path(last) / TRAINER_STATE_NAME))
    if done is not None and done.global_step >= trainer.args.max_steps:  # Trainer would take one more step
        best = folder / Path(done.best_model_checkpoint or str(last)).name
        model.load_state_dict(S3FModel.from_pretrained(best).state_dict())
    else:
        trainer.train(resume_from_checkpoint=last)
    return evaluate(model, validation)


def _arguments(folder: Path, train: MaskedChains, settings: TrainingSettings) -> TrainingArguments:
    epoch = len(ResidueBatches(train.sizes(), settings.batch_residues, settings.seed, lambda: 0))
    steps = settings.steps or math.ceil(settings.epochs * epoch)
    every = min(settings.evaluate_every or 2 * epoch, steps)
    return TrainingArguments(
        output_dir=str(folder),
        max_steps=steps,
        learning_rate=settings.learning_rate,
        lr_scheduler_type="constant",
        weight_decay=0.0,  # with none, torch's AdamW is Adam
        max_grad_norm=0.0,
        eval_strategy="steps",
        eval_steps=every,
        save_strategy="steps",
        save_steps=every,
        save_total_limit=2,  # the best and the last
        logging_steps=every,
        load_best_model_at_end=True,
        metric_for_best_model="nll",
        greater_is_better=False,
        remove_unused_columns=False,
        report_to="none",
        disable_tqdm=True,
        seed=settings.seed,
        use_cpu=not torch.cuda.is_available(),
        dataloader_pin_memory=False,
    )
