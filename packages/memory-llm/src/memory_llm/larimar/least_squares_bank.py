"""Many facts spread over fixed references by least squares, kept as two sums.

With weights W = w(K) over the slots and values Z, the memory is ``M = (G + ridge I)^-1 A`` with ``G = W^T W`` and
``A = W^T Z``. Writing adds to both sums and forgetting subtracts, so the order of operations does not matter, a
forgotten fact is as if never written, and two memories merge by addition.
"""

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from gpu_commons import solve_spd
from memory_llm.larimar.addressing import gaussian_weights, ridge_pinv

AUTO_RIDGE = 1e-6


class LeastSquaresBank:
    """Sufficient statistics of the least-squares write.

    Args:
        references: Fixed reference memory Mref (or M0 for ``auto``), ``[slots, key]`` in float64.
        value_width: Length of a value.
        addressing: How keys become weights.
        alpha: Width of the Gaussian softmax.
        ridge: Absolute ridge, or "auto" for 1e-6 of the mean squared norm of a fact's weights.

    Attributes:
        gram: G, ``[slots, slots]`` in float64.
        moment: A, ``[slots, value]`` in float64.
        used: Facts added minus facts taken away.

    Source: Larimar Eq. 2-6. Differs: the printed recursion needs an invertible G, that is, as many independent keys as
    slots already written; the sums do not.
    """

    def __init__(
        self,
        references: Float[Tensor, "slots key"],
        value_width: int,
        *,
        addressing: Literal["pinv", "gaussian", "auto"],
        alpha: float,
        ridge: float | Literal["auto"],
    ):
        self.references, self.addressing, self.alpha, self.ridge = references, addressing, alpha, ridge
        slots = len(references)
        self.gram = torch.zeros(slots, slots, dtype=torch.float64)
        self.moment = torch.zeros(slots, value_width, dtype=torch.float64)
        self.used = 0
        self._pinv = None if addressing == "gaussian" else ridge_pinv(references)
        self._matrix: Tensor | None = None
        self._read_pinv: Tensor | None = None

    @property
    def num_slots(self) -> int:
        """Rows of the memory."""
        return len(self.references)

    def weights(self, keys: Float[Tensor, "rows key"]) -> Float[Tensor, "rows slots"]:
        """Write weights of keys."""
        if self._pinv is None:
            return gaussian_weights(keys, self.references, self.alpha)
        return keys @ self._pinv

    def read_weights(self, keys: Float[Tensor, "rows key"]) -> Float[Tensor, "rows slots"]:
        """Read weights: as for writing, but ``z M^+`` in ``auto`` mode."""
        if self.addressing != "auto":
            return self.weights(keys)
        if self._read_pinv is None:
            self._read_pinv = ridge_pinv(self.matrix())
        return keys @ self._read_pinv

    def add(self, keys: Float[Tensor, "rows key"], values: Float[Tensor, "rows value"], sign: int = 1) -> None:
        """Write facts (``sign=1``) or take them away (``sign=-1``)."""
        weights = self.weights(keys)
        self.gram += sign * (weights.mT @ weights)
        self.moment += sign * (weights.mT @ values.to("cpu", torch.float64))
        self.used += sign * len(keys)
        if self.used == 0:  # what subtraction left is rounding
            self.gram.zero_()
            self.moment.zero_()
        self.forget_solution()

    def add_statistics(self, other: "LeastSquaresBank") -> None:
        """Add all facts of a bank with the same references."""
        self.gram += other.gram
        self.moment += other.moment
        self.used += other.used
        self.forget_solution()

    def forget_solution(self) -> None:
        """Solve anew at the next read."""
        self._matrix = self._read_pinv = None

    def matrix(self) -> Float[Tensor, "slots value"]:
        """M, solved by Cholesky when first asked for after a change; zeros while nothing is written.

        Raises:
            ValueError: If G has lost positive definiteness, as after forgetting what was never written.
        """
        if self._matrix is None:
            empty = self.used == 0
            self._matrix = (
                torch.zeros_like(self.moment) if empty else solve_spd(self.gram, self.moment, ridge=self.ridge_now())
            )
        return self._matrix

    def set_matrix(self, matrix: Float[Tensor, "slots value"]) -> None:
        """Use a solution found otherwise until the next change."""
        self._matrix, self._read_pinv = matrix, None

    @property
    def is_solved(self) -> bool:
        """Whether M is known for the present sums."""
        return self._matrix is not None

    def read(self, keys: Float[Tensor, "rows key"]) -> Float[Tensor, "rows value"]:
        """``W M``."""
        return self.read_weights(keys) @ self.matrix()

    def ridge_now(self) -> float:
        """The ridge in use; with "auto" it follows from the sums, and so forgets what they forget."""
        if self.ridge != "auto":
            return float(self.ridge)
        return AUTO_RIDGE * float(self.gram.diagonal().sum()) / max(self.used, 1)

    def least_squares(self, keys: Float[Tensor, "rows key"], values: Float[Tensor, "rows value"]) -> Tensor:
        """Minimum-norm ``argmin ||Z - W M||`` over facts, without a ridge (Larimar Alg. 1)."""
        if not len(keys):
            return torch.zeros_like(self.moment)
        return torch.linalg.lstsq(self.weights(keys), values.to(torch.float64), driver="gelsd").solution
