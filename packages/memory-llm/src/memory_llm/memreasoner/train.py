"""Train a MemReasoner on stories."""

import os
from collections.abc import Sequence
from typing import Any

from memory_llm.haystack.stories import Story
from memory_llm.memreasoner.checks import check_answers
from memory_llm.memreasoner.model import MemReasonerForQA
from memory_llm.memreasoner.objective import Schedule, StoryObjective
from memory_llm.memreasoner.story_batch import StoryCollator
from memory_llm.memreasoner.story_examples import StoryExamples, labelled_rows
from memory_llm.training.arguments import training_arguments
from memory_llm.training.objective_trainer import ObjectiveTrainer


def train_memreasoner(
    model: MemReasonerForQA,
    stories: Sequence[Story],
    out: str | os.PathLike[str],
    *,
    steps: int = 1000,
    batch_size: int = 32,
    learning_rate: float = 1e-3,
    label_fraction: float = 0.0,
    filler: Sequence[str] = (),
    filler_lines: tuple[int, int] = (0, 0),
    filler_ramp: int = 0,
    auxiliary: Sequence[Sequence[str]] = (),
    autoencoded: int = 1,
    hard_after: float | None = None,
    end_temperature: float | None = None,
    seed: int = 0,
    resume: bool = False,
    **arguments: Any,
) -> MemReasonerForQA:
    """Train in place and save model and tokenizers into a folder.

    Args:
        model: With its processor.
        stories: To learn from.
        out: Folder of the result; checkpoints lie in ``checkpoints`` below it.
        steps: Optimiser steps.
        batch_size: Stories of a step and device.
        learning_rate: At its height, after 100 steps or a tenth of them; it falls on a straight line to 0.
        label_fraction: Of stories whose supporting lines are shown, chosen once by the seed.
        filler: Sentences to put between lines, none of which evaluation uses.
        filler_lines: Fewest and most of them in a story.
        filler_ramp: Steps over which the most grows from the fewest.
        auxiliary: Groups of lines to autoencode beside the stories' own, such as filler, or lines with words that
            answers will have in use; a group given twice is drawn from twice as often.
        autoencoded: Lines to autoencode for each story.
        hard_after: Share of the steps after which the decoder gets the best line alone, as in use.
        end_temperature: Of addressing at the end, kept in use; the config's is where it starts.
        seed: Of labels, order, filler and lines to autoencode.
        resume: Go on from the last checkpoint.
        arguments: Further ``TrainingArguments``.

    Raises:
        ValueError: If there are no stories, a number is out of its range, labels name more hops than the model has, or
            an answer lies in several lines and the model reads out one.

    Source: MemReasoner 1.7. Differs: the schedule, which is not public, is that of our prototype.
    """
    check_answers(model.config, stories)
    if hard_after is not None and not 0 <= hard_after <= 1:
        raise ValueError(f"`hard_after` is a share of the steps in [0, 1], got {hard_after}.")
    if end_temperature is not None and end_temperature <= 0:
        raise ValueError(f"`end_temperature` must be positive, got {end_temperature}.")
    settings: dict[str, Any] = {
        "max_steps": steps,
        "per_device_train_batch_size": batch_size,
        "learning_rate": learning_rate,
        "lr_scheduler_type": "linear",
        "warmup_steps": min(100, steps // 10),
        "weight_decay": 0.01,
        "max_grad_norm": 1.0,
        "logging_steps": 50,
        "save_steps": 500,
        "train_sampling_strategy": "sequential",
        "seed": seed,
        **arguments,
    }
    run = training_arguments(out, model.device, **settings)
    per_step = run.per_device_train_batch_size * run.gradient_accumulation_steps * run.world_size
    examples = StoryExamples(
        stories,
        size=steps * per_step,
        examples_per_step=per_step,
        labelled=labelled_rows(len(stories), label_fraction, seed),
        filler=filler,
        filler_lines=filler_lines,
        filler_ramp=filler_ramp,
        auxiliary=auxiliary,
        autoencoded=autoencoded,
        seed=seed,
    )
    trainer = ObjectiveTrainer(
        StoryObjective(model.train()),
        args=run,
        train_dataset=examples,
        data_collator=StoryCollator(model.tokens()),
        callbacks=[Schedule(model, hard_after=hard_after, end_temperature=end_temperature)],
    )
    trainer.train(resume_from_checkpoint=resume or None)
    model.eval()
    model.train_readout = "soft"
    if end_temperature is not None:
        model.config.addressing_temperature = model.hops.temperature = end_temperature
    if trainer.is_world_process_zero():
        model.save_pretrained(out)
    return model
