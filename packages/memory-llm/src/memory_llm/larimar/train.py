"""Train a connector between a frozen encoder and a frozen decoder on facts."""

import os
from collections.abc import Sequence
from typing import Any

import torch

from memory_llm.facts import Fact
from memory_llm.larimar.edit_examples import EditExamples
from memory_llm.larimar.edit_objective import EditCollator, EditObjective
from memory_llm.larimar.pipeline import Larimar
from memory_llm.training.arguments import training_arguments
from memory_llm.training.objective_trainer import ObjectiveTrainer

MEAN_OF = 512


def train_connector(
    larimar: Larimar,
    facts: Sequence[Fact],
    out: str | os.PathLike[str],
    *,
    steps: int = 1200,
    batch_size: int = 32,
    learning_rate: float = 3e-3,
    kl_weight: float = 1.0,
    exclude: Sequence[str] = (),
    seed: int = 0,
    resume: bool = False,
    **arguments: Any,
) -> Larimar:
    """Train in place and save the connector into a folder.

    Args:
        larimar: With a ``tokens`` connector.
        facts: To learn from, with subjects, and best with paraphrases and neighbours.
        out: Folder of the connector; checkpoints lie in ``checkpoints`` below it.
        steps: Optimiser steps.
        batch_size: Examples a step and device.
        learning_rate: At its height, after 20 steps; it falls along a cosine to a twentieth.
        kl_weight: Of keeping the base model where a fact is not asked for.
        exclude: Targets never to be shown.
        seed: Of examples and order.
        resume: Go on from the last checkpoint.
        arguments: Further ``TrainingArguments``.
    """
    examples = EditExamples(
        facts,
        larimar.tokenizer,
        size=steps * batch_size * max(int(os.environ.get("WORLD_SIZE", "1")), 1),
        seed=seed,
        max_target_tokens=larimar.model.config.target_tokens - 1,
        exclude=exclude,
    )
    larimar.key_mean = larimar.encode([fact.prompt for fact in examples.facts[:MEAN_OF]], truncate=True).mean(0)
    settings: dict[str, Any] = {
        "max_steps": steps,
        "per_device_train_batch_size": batch_size,
        "learning_rate": learning_rate,
        "lr_scheduler_type": "cosine_with_min_lr",
        "lr_scheduler_kwargs": {"min_lr_rate": 0.05},
        "warmup_steps": min(20, steps // 10),
        "adam_beta2": 0.98,
        "weight_decay": 0.01,
        "max_grad_norm": 1.0,
        "logging_steps": 20,
        "save_steps": 200,
        "save_only_model": False,
        "train_sampling_strategy": "sequential",
        "seed": seed,
        **arguments,
    }
    trainer = ObjectiveTrainer(
        EditObjective(larimar.model.train(), kl_weight=kl_weight),
        args=training_arguments(out, larimar.device, **settings),
        train_dataset=examples,
        data_collator=EditCollator(larimar),
    )
    trainer.train(resume_from_checkpoint=resume or None)
    larimar.model.eval()
    larimar.provenance |= {"facts": len(examples.facts), "steps": steps, "batch_size": batch_size, "seed": seed}
    larimar.provenance |= {"learning_rate": learning_rate, "kl_weight": kl_weight, "torch": torch.__version__}
    if trainer.is_world_process_zero():
        larimar.save_connector(out)
    return larimar
