"""Train a baseline until it answers stories like those it is trained on."""

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from torch import Tensor, nn
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from gpu_commons import resolve_device
from gpu_commons.write_aside import write_text_aside
from memory_llm.haystack.stories import Story
from memory_llm.memreasoner.baselines.base import Baseline
from memory_llm.memreasoner.baselines.registry import load_baseline, save_baseline
from memory_llm.memreasoner.baselines.training_stories import TrainingStories, diluted
from memory_llm.training.arguments import training_arguments
from memory_llm.training.objective_trainer import ObjectiveTrainer

RESULT_FILE = "training.json"
FOR_GOOD = 2


@dataclass(frozen=True, kw_only=True)
class TrainedBaseline:
    """How training ended.

    Attributes:
        model: In eval mode.
        accuracy: Share of right answers to the held-out stories, with filler as in training.
        converged: Whether it reached what was wanted, twice in a row.
        steps: Optimiser steps taken.
    """

    model: Baseline
    accuracy: float
    converged: bool
    steps: int


class BaselineObjective(nn.Module):
    """The answer's loss, and the weighted losses of modelling stories and auxiliary lines where a model has them.

    Args:
        model: To train.
        text_weight: Of the stories' own text.
        auxiliary_weight: Of the auxiliary lines.
    """

    def __init__(self, model: Baseline, *, text_weight: float, auxiliary_weight: float):
        super().__init__()
        self.model = model
        self.weights = {"text_loss": text_weight, "auxiliary_loss": auxiliary_weight}

    def forward(self, **batch: Tensor) -> dict[str, Tensor]:
        """``loss`` and its parts."""
        losses = self.model(**batch)
        loss = losses["answer_loss"]
        for name, weight in self.weights.items():
            if name in losses:
                loss = loss + weight * losses[name]
        return {"loss": loss, **{name: part.detach() for name, part in losses.items()}}


def train_baseline(
    model: Baseline,
    stories: Sequence[Story],
    out: str | os.PathLike[str],
    *,
    held_out: Sequence[Story],
    filler: Sequence[str] = (),
    auxiliary: Sequence[str] = (),
    steps: int = 4000,
    batch_size: int = 32,
    learning_rate: float | None = None,
    text_weight: float | None = None,
    auxiliary_weight: float = 1.0,
    curriculum_steps: int | None = None,
    until: float = 0.95,
    check_every: int = 50,
    seed: int = 0,
    resume: bool = False,
    **arguments: Any,
) -> TrainedBaseline:
    """Train in place until held-out stories are answered, and save the baseline with ``training.json`` into a folder.

    Args:
        model: Untrained.
        stories: To learn from.
        out: Folder of the result; checkpoints and the log lie in ``checkpoints`` below it.
        held_out: Other stories of the same kind.
        filler: Lines of which 0 to 8 join a story, when learning and when tested.
        auxiliary: Further lines to model; the memory network is asked for their last words.
        steps: At most.
        batch_size: Stories a step and device.
        learning_rate: At its height, after a twentieth of the steps and at most 50; it falls along a cosine to a
            twentieth. The model's own if absent.
        text_weight: Of modelling the stories' text; the memory network has no such loss. The model's own if absent.
        auxiliary_weight: Of modelling auxiliary lines.
        curriculum_steps: First steps, of which the first half has only the shortest fifth of the stories and no filler,
            and the second half grows to all. The model's own if absent, but at most half of all steps.
        until: Share of right answers at which to stop, if it is reached at two checks in a row.
        check_every: Steps between checks.
        seed: Of stories, filler and order.
        resume: Go on from the last checkpoint; a run that ended is not run again.
        arguments: Further ``TrainingArguments``.

    Raises:
        ValueError: If there are no stories to learn from or to test with, or an answer is not one known word.
    """
    if not held_out:
        raise ValueError("`held_out` is empty; give stories of the same kind that are not learned from.")
    if resume and Path(out, RESULT_FILE).is_file():
        return _ended(out)
    draws = Random(f"{seed} held out")
    tested = [diluted(story, filler, draws) for story in held_out] if filler else list(held_out)
    settings: dict[str, Any] = {
        "max_steps": steps,
        "per_device_train_batch_size": batch_size,
        "learning_rate": model.learning_rate if learning_rate is None else learning_rate,
        "lr_scheduler_type": "cosine_with_min_lr",
        "lr_scheduler_kwargs": {"min_lr_rate": 0.05},
        "warmup_steps": min(50, steps // 20),
        "adam_beta2": 0.98,
        "weight_decay": 0.01,
        "max_grad_norm": 1.0,
        "logging_steps": check_every,
        "save_steps": 4 * check_every,
        "train_sampling_strategy": "sequential",
        "seed": seed,
        **arguments,
    }
    trainer = ObjectiveTrainer(
        BaselineObjective(
            model.train(),
            text_weight=model.text_weight if text_weight is None else text_weight,
            auxiliary_weight=auxiliary_weight,
        ),
        args=training_arguments(out, resolve_device("auto"), **settings),
        train_dataset=TrainingStories(
            stories,
            model.encoder,
            size=steps * batch_size * max(int(os.environ.get("WORLD_SIZE", "1")), 1),
            batch_size=batch_size,
            filler=filler,
            auxiliary=auxiliary,
            curriculum_steps=min(model.curriculum_steps, steps // 2) if curriculum_steps is None else curriculum_steps,
            seed=seed,
        ),
        data_collator=model.collate,
    )
    trainer.add_callback(StopWhenLearned(lambda: accuracy(model, tested), trainer.log, until, check_every))
    trainer.train(resume_from_checkpoint=resume or None)
    model.eval()
    result = TrainedBaseline(
        model=model,
        accuracy=accuracy(model, tested),
        converged=learned(trainer.state, until),
        steps=trainer.state.global_step,
    )
    if trainer.is_world_process_zero():
        save_baseline(model, out)
        _write(result, out)
    return result


class StopWhenLearned(TrainerCallback):
    """Tests now and then, logs the accuracy, and ends training when it has been high enough twice in a row.

    Args:
        test: Gives the accuracy.
        log: Takes it.
        until: High enough.
        check_every: Steps between tests.
    """

    def __init__(
        self, test: Callable[[], float], log: Callable[[dict[str, float]], None], until: float, check_every: int
    ):
        self.test, self.log, self.until, self.check_every = test, log, until, check_every

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> TrainerControl:
        if state.global_step % self.check_every == 0:
            due = control.should_log
            self.log({"accuracy": self.test()})
            control.should_log = due  # the line of the losses is still to come
            if learned(state, self.until):
                control.should_training_stop = True
                control.should_save = False  # a run killed before its result is written ends here again
        return control


def learned(state: TrainerState, until: float) -> bool:
    """Whether the latest two accuracies of a run's log are high enough."""
    found = [entry["accuracy"] for entry in state.log_history if "accuracy" in entry][-FOR_GOOD:]
    return len(found) == FOR_GOOD and min(found) >= until


def accuracy(model: Baseline, stories: Sequence[Story]) -> float:
    """Share of stories whose answer is said, in upper or lower case."""
    said = model.answer(stories)
    right = sum(word.casefold() == story.answer.casefold() for word, story in zip(said, stories, strict=True))
    return right / len(stories)


def _write(result: TrainedBaseline, out: str | os.PathLike[str]) -> None:
    record = {"accuracy": result.accuracy, "converged": result.converged, "steps": result.steps}
    write_text_aside(json.dumps(record, indent=2) + "\n", Path(out, RESULT_FILE))


def _ended(out: str | os.PathLike[str]) -> TrainedBaseline:
    record = json.loads(Path(out, RESULT_FILE).read_text(encoding="utf-8"))
    return TrainedBaseline(model=load_baseline(out), **record)
