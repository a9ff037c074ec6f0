"""Settings of a constrained run: those of transformers and of the constraint."""

from dataclasses import dataclass, field

from transformers import TrainingArguments

_CHOICES = {"mode": ("lagrangian", "penalty"), "loss_kind": ("nll", "kl")}


@dataclass
class ConstrainedSFTConfig(TrainingArguments):
    """``TrainingArguments`` with a constraint on the safety loss, on the radius, or on both.

    Attributes:
        safety_weight: Lambda, the weight of the safety loss; with "lagrangian", where it begins. Without a safety
            dataset none of this counts.
        mode: "lagrangian" moves lambda so that the safety loss stays within its budget; "penalty" leaves it.
        safety_budget: Epsilon: the loss that safety data may have, in nats a token; in place of the next.
        safety_slack: Budget above what the safety loss is before training.
        loss_kind: "nll" of safety responses, or "kl": of the aligned model's next tokens to the trained model's, along
            safety responses.
        safety_fraction: Safety rows a task row.
        weight_learning_rate: Of lambda, per nat of violation and step.
        max_safety_weight: Of lambda; a run that stays there has a budget that it cannot keep.
        radius: Largest norm of the change; in place of the next.
        relative_radius: Largest norm of the change of each weight over that of the weight. Without either the weights
            are free.
        proximal: Beta of a term beta / 2 x the squared norm of the change, added to the loss, in place of or beside the
            projection onto the ball.
    """

    safety_weight: float = field(default=0.0)
    mode: str = field(default="lagrangian")
    safety_budget: float | None = field(default=None)
    safety_slack: float = field(default=0.1)
    loss_kind: str = field(default="nll")
    safety_fraction: float = field(default=0.1)
    weight_learning_rate: float = field(default=0.05)
    max_safety_weight: float = field(default=20.0)
    radius: float | None = field(default=None)
    relative_radius: float | None = field(default=None)
    proximal: float = field(default=0.0)

    def __post_init__(self) -> None:
        """Check the constraint's settings."""
        super().__post_init__()
        for name, allowed in _CHOICES.items():
            if getattr(self, name) not in allowed:
                raise ValueError(f"`{name}` must be one of {', '.join(allowed)}, got {getattr(self, name)!r}")
        for name in ("radius", "relative_radius", "safety_budget"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ValueError(f"`{name}` must be positive, got {value}; leave it out for no such bound")
        if self.radius is not None and self.relative_radius is not None:
            raise ValueError("`radius` and `relative_radius` exclude each other; give one of them")
        if not 0 < self.safety_fraction <= 1:
            raise ValueError(f"`safety_fraction` must be in (0, 1], got {self.safety_fraction}")
        for name in ("safety_weight", "safety_slack", "weight_learning_rate", "max_safety_weight", "proximal"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"`{name}` must not be negative, got {getattr(self, name)}")
