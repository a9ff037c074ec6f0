"""Settings of a SEAL run: those of transformers and the selector's."""

import math
from dataclasses import dataclass, field

from transformers import TrainingArguments

_LEARNING_RATES = {"mirror": 0.3, "sgd": 1.0, "adam": 5e-3}
_CHOICES = {
    "algorithm": ("penalty", "memory_efficient"),
    "selector_activation": ("softmax", "sigmoid"),
    "selector_optimizer": tuple(_LEARNING_RATES),
}


@dataclass
class SealConfig(TrainingArguments):
    """``TrainingArguments`` whose defaults are those of the released Llama-3 run, with the selector's settings.

    Attributes:
        algorithm: "penalty" keeps the value function of the lower level by a second copy of the trained parameters;
            "memory_efficient" leaves it out, as the released code does. With LoRA the copy is a second adapter.
        selector_activation: Weights are ``N softmax(logits)`` (mean 1), or ``2 sigmoid(logits)``.
        selector_optimizer: "mirror" moves the logits of visited rows alone; "sgd" and "adam" move all of them by the
            gradient. "adam" is what the released code does ("official"): it turns every unvisited row's tiny gradient
            into a step of full size, so that scores also say when a row was last visited.
        selector_learning_rate: 0.3, 1.0 or 5e-3 for the three optimizers if absent.
        upper_weight: a of the first epoch, in (0, 1]: the share of the safe loss in the trained model's loss. The
            penalty is gamma = (1 - a) / a.
        upper_weight_decay: What a falls by at every later epoch.
    """

    learning_rate: float = field(default=1e-5)
    lr_scheduler_type: str = field(default="constant_with_warmup")
    warmup_steps: float = field(default=0.03)  # below 1: a share of all steps
    adam_beta2: float = field(default=0.95)
    ddp_find_unused_parameters: bool | None = field(default=None)
    algorithm: str = field(default="penalty")
    selector_activation: str = field(default="softmax")
    selector_optimizer: str = field(default="mirror")
    selector_learning_rate: float | None = field(default=None)
    upper_weight: float = field(default=1.0)
    upper_weight_decay: float = field(default=0.03)

    def __post_init__(self) -> None:
        """Check the selector's settings and fill in its learning rate."""
        super().__post_init__()
        for name, allowed in _CHOICES.items():
            if getattr(self, name) not in allowed:
                raise ValueError(f"`{name}` must be one of {', '.join(allowed)}, got {getattr(self, name)!r}")
        if self.selector_learning_rate is None:
            self.selector_learning_rate = _LEARNING_RATES[self.selector_optimizer]
        if not self.selector_learning_rate > 0:
            raise ValueError(f"`selector_learning_rate` must be positive, got {self.selector_learning_rate}")
        if not 0 < self.upper_weight <= 1 or self.upper_weight_decay < 0:
            raise ValueError(
                "`upper_weight` must be in (0, 1] and `upper_weight_decay` at least 0, "
                f"got {self.upper_weight} and {self.upper_weight_decay}"
            )
        if self.ddp_find_unused_parameters is None:
            # Of the two copies each pass uses one.
            self.ddp_find_unused_parameters = self.algorithm == "penalty"

    def upper_weight_at(self, epoch: int) -> float:
        """The weight a of the safe loss in an epoch, from 0.

        Raises:
            ValueError: If the decay has used it up.
        """
        weight = self.upper_weight - epoch * self.upper_weight_decay
        if weight <= 0:
            raise ValueError(
                f"`upper_weight` falls to {weight:.3g} in epoch {epoch} (from 0); it must stay above 0, so take a "
                f"smaller `upper_weight_decay` than {self.upper_weight_decay} or fewer epochs"
            )
        return weight

    def check_schedule(self, num_epochs: float) -> None:
        """Refuse a schedule that is used up before the last epoch."""
        self.upper_weight_at(math.ceil(num_epochs) - 1)
