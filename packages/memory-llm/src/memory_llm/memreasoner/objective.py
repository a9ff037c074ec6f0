"""The model as an objective, and what moves while it is trained."""

from typing import Any

from torch import Tensor, nn
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from memory_llm.memreasoner.model import MemReasonerForQA

PARTS = ("answer_loss", "ae_loss", "sf_loss", "kl_loss")


class StoryObjective(nn.Module):
    """Loss and parts of a model's forward pass."""

    def __init__(self, model: MemReasonerForQA):
        super().__init__()
        self.model = model

    def forward(self, **batch: Any) -> dict[str, Tensor]:
        """``loss`` and its parts.

        Args:
            batch: Of a :class:`StoryCollator`.
        """
        output = self.model(**batch)
        parts = {name: output[name].detach() for name in PARTS if output.get(name) is not None}
        return {"loss": output.loss, **parts}


class Schedule(TrainerCallback):
    """Sets, by the step alone, the temperature of addressing and whether the decoder gets a hard readout.

    Args:
        model: To set.
        hard_after: Share of the steps after which readouts are hard; never if absent.
        end_temperature: Where the temperature ends, on a straight line from the config's; it stays if absent.
    """

    def __init__(self, model: MemReasonerForQA, *, hard_after: float | None, end_temperature: float | None):
        self.model, self.hard_after = model, hard_after
        self.start = model.config.addressing_temperature
        self.end = self.start if end_temperature is None else end_temperature

    def on_step_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Before each optimiser step."""
        share = state.global_step / max(state.max_steps - 1, 1)
        self.model.hops.temperature = self.start + (self.end - self.start) * share
        hard = self.hard_after is not None and state.global_step >= self.hard_after * state.max_steps
        self.model.train_readout = "hard" if hard else "soft"
