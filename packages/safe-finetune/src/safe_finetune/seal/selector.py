"""The selector: one logit for each fine-tuning row, its weight, its gradient and its steps.

Notation of shapes: ``rows`` is the number N of fine-tuning rows, ``batch`` what one optimiser step has drawn of them.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

_FIRST_LOGIT = {"softmax": 0.1, "sigmoid": -1e-4}
_BETAS, _EPSILON = (0.9, 0.95), 1e-8


class Selector:
    """Logits omega of N rows, always float32: steps of 5e-3 are lost beside logits of 23 in bfloat16.

    Args:
        num_rows: N.
        activation: "softmax": weights ``N softmax(omega)``, whose mean is 1; "sigmoid": ``2 sigmoid(omega)``.
        optimizer: "mirror", "sgd" or "adam"; see :meth:`step`.
        learning_rate: Of its steps.
        device: Where the logits are.

    Attributes:
        logits, last_losses: Of each row; a loss is NaN until the row is visited.
        num_visits, last_visit_steps: Of each row; steps count from 1, and 0 says never.
    """

    def __init__(
        self,
        num_rows: int,
        *,
        activation: str = "softmax",
        optimizer: str = "mirror",
        learning_rate: float = 0.3,
        device: torch.device | str = "cpu",
    ):
        self.activation, self.optimizer, self.learning_rate = activation, optimizer, learning_rate
        self.logits = torch.full((num_rows,), _FIRST_LOGIT[activation], device=device)
        self.last_losses = torch.full_like(self.logits, torch.nan)
        self.num_visits = torch.zeros(num_rows, dtype=torch.long, device=device)
        self.last_visit_steps = torch.zeros_like(self.num_visits)
        self._first_moment = torch.zeros_like(self.logits)
        self._second_moment = torch.zeros_like(self.logits)

    def weights(self) -> Float[Tensor, " rows"]:
        """What each row's loss weighs in the lower level."""
        if self.activation == "softmax":
            return len(self.logits) * self.logits.softmax(0)
        return 2 * self.logits.sigmoid()

    def gradient(self, rows: Int[Tensor, " batch"], differences: Float[Tensor, " batch"]) -> Float[Tensor, " rows"]:
        """Gradient in omega of ``mean_{i in batch} sigma_i(omega) d_i``, with d held.

        Softmax: every row has one, visited or not, since the weights sum to N.

        Args:
            rows: Indices of the rows drawn; a row may be there twice.
            differences: d of each: what the trained model loses on it more than the lower level's own model; the
                trained model's loss alone in the memory-efficient variant.
        """
        weights = self.weights()
        weighted = weights[rows] * differences / len(rows)
        if self.activation == "sigmoid":
            return torch.zeros_like(weights).index_add(0, rows, weighted * (1 - weights[rows] / 2))
        return torch.zeros_like(weights).index_add(0, rows, weighted) - weights / len(weights) * weighted.sum()

    def step(
        self,
        rows: Int[Tensor, " batch"],
        losses: Float[Tensor, " batch"],
        differences: Float[Tensor, " batch"],
        number: int,
    ) -> None:
        """Move the logits once and note the visit.

        "mirror" is mirror descent on the weights (the step is in logits, by the gradient in weights):
        ``omega_i -= rate * (d_i - c)`` for visited rows. With softmax a shift of all logits changes nothing, so any c
        that all rows share gives the same expected step up to a shift; c is the weighted mean of d in the batch, which
        keeps visited and unvisited rows level. With sigmoid there is no such freedom, and c = 0.

        Args:
            rows, differences: As in :meth:`gradient`.
            losses: The trained model's, to be reported.
            number: Of this step, from 1.

        Source: Algorithms 1 and 2 of SEAL (arXiv 2410.07471). Differs: "mirror" and "sgd" stand beside the released
            code's Adam. Steps are not scaled by gamma (as in the released code): the learning rate holds it, and in an
            epoch with gamma = 0 the selector learns too.
        """
        if self.optimizer == "mirror":
            weights = self.weights()[rows]
            level = (weights * differences).sum() / weights.sum() if self.activation == "softmax" else 0.0
            self.logits.index_add_(0, rows, -self.learning_rate * (differences - level))
        elif self.optimizer == "sgd":
            self.logits -= self.learning_rate * self.gradient(rows, differences)
        else:
            self._adam_step(self.gradient(rows, differences), number)
        self.last_losses[rows] = losses
        self.num_visits += torch.bincount(rows, minlength=len(self.logits))
        self.last_visit_steps[rows] = number

    def state(self) -> dict[str, Tensor]:
        """All that changes, by name; the tensors themselves."""
        return {
            "logits": self.logits,
            "last_losses": self.last_losses,
            "num_visits": self.num_visits,
            "last_visit_steps": self.last_visit_steps,
            "first_moment": self._first_moment,
            "second_moment": self._second_moment,
        }

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Take up what :meth:`state` gave."""
        for name, own in self.state().items():
            own.copy_(state[name])

    def _adam_step(self, gradient: Float[Tensor, " rows"], number: int) -> None:
        first, second = _BETAS
        self._first_moment.lerp_(gradient, 1 - first)
        self._second_moment.mul_(second).addcmul_(gradient, gradient, value=1 - second)
        scale = (self._second_moment / (1 - second**number)).sqrt() + _EPSILON
        self.logits -= self.learning_rate / (1 - first**number) * self._first_moment / scale
