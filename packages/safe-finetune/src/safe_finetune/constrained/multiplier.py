"""Lambda: the price of the safety loss, found while training goes on."""

from dataclasses import asdict, dataclass, field


@dataclass(kw_only=True)
class Multiplier:
    """A Lagrange multiplier by projected gradient ascent on a smoothed violation.

    ``lambda <- clip(lambda + rate (ema - budget), 0, most)``, once an optimiser step. At the end, where the constraint
    holds with equality, lambda is the price: one nat of safety loss less costs lambda nats of capability.

    Attributes:
        budget: Epsilon.
        value: Lambda.
        learning_rate: 0 keeps lambda, which is the penalty method.
        most: Its upper end.
        smoothing: Of the moving average of the safety loss.
        average: That average; None before the first step.
        steps_at_most: At which lambda was at its upper end.
        steps: Taken.
    """

    budget: float
    value: float = 0.0
    learning_rate: float = 0.05
    most: float = 20.0
    smoothing: float = 0.9
    average: float | None = None
    steps_at_most: int = field(default=0)
    steps: int = field(default=0)

    @property
    def violation(self) -> float:
        """How far the average is above the budget; negative within it."""
        return 0.0 if self.average is None else self.average - self.budget

    @property
    def is_infeasible(self) -> bool:
        """Whether lambda was at its upper end for more than a tenth of the steps: the budget cannot be kept."""
        return self.steps > 0 and self.steps_at_most > 0.1 * self.steps

    def step(self, safety_loss: float) -> None:
        """Take in the safety loss of an optimiser step."""
        before = safety_loss if self.average is None else self.average
        self.average = self.smoothing * before + (1 - self.smoothing) * safety_loss
        if self.learning_rate:
            self.value = min(max(self.value + self.learning_rate * self.violation, 0.0), self.most)
            self.steps_at_most += self.value == self.most
        self.steps += 1

    def state(self) -> dict[str, float | int | None]:
        """All fields, for a checkpoint."""
        return asdict(self)
