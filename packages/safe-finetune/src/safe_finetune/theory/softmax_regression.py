"""Linear softmax models of weighted data: convex losses with exact derivatives, and their minimisers.

Parameters are matrices theta of shape (responses, features); logits are features @ theta.T. Losses are nats per row.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

GRADIENT_TOLERANCE = 1e-8
_NEWTON_STEPS = 8


@dataclass(frozen=True, kw_only=True)
class LinearData:
    """Rows of features and their distributions of responses, one-hot or soft.

    Raises:
        ValueError: If there are no rows, or a row of targets is no distribution.
    """

    features: Float[np.ndarray, "rows features"]
    targets: Float[np.ndarray, "rows responses"]

    def __post_init__(self) -> None:
        """Refuse what has no mean cross-entropy."""
        sums = self.targets.sum(1)
        if not len(sums):
            raise ValueError("`features` must have at least one row, got 0; a mean loss needs data.")
        if (self.targets < 0).any() or not np.allclose(sums, 1):
            row = int(np.abs(sums - 1).argmax())
            raise ValueError(
                f"`targets` must hold distributions, got a row {row} with sum {sums[row]:.6g} and least entry "
                f"{self.targets.min():.6g}; give one-hot or soft labels."
            )

    def loss(self, theta: Float[np.ndarray, "responses features"]) -> float:
        """Mean cross-entropy."""
        return float(-(self.targets * log_softmax(self.features @ theta.T, axis=1)).sum() / len(self.targets))

    def gradient(self, theta: Float[np.ndarray, "responses features"]) -> Float[np.ndarray, "responses features"]:
        """Of the loss."""
        residuals = softmax(self.features @ theta.T, axis=1) - self.targets
        return residuals.T @ self.features / len(self.targets)

    def hessian(
        self,
        theta: Float[np.ndarray, "responses features"],
        row_weights: Float[np.ndarray, " rows"] | None = None,
    ) -> Float[np.ndarray, "size size"]:
        """Exact second derivatives, with theta flattened row by row: the mean of (diag(p) - p p^T) (x) x x^T.

        Args:
            theta: Where.
            row_weights: Factor of each row's term; 1 if left out.
        """
        probabilities = softmax(self.features @ theta.T, axis=1)
        weights = np.ones(len(probabilities)) if row_weights is None else row_weights
        spread = np.eye(theta.shape[0]) * probabilities[:, :, None] - probabilities[:, :, None] * probabilities[:, None]
        spread = spread * (weights / len(weights))[:, None, None]
        blocks = np.einsum("nyz,ni,nj->yizj", spread, self.features, self.features, optimize=True)
        return blocks.reshape(theta.size, theta.size)


def minimise(
    terms: Sequence[tuple[float, LinearData]],
    anchor: Float[np.ndarray, "responses features"],
    *,
    proximal: float = 0.0,
    guess: Float[np.ndarray, "responses features"] | None = None,
) -> Float[np.ndarray, "responses features"]:
    """Minimiser of a weighted sum of losses plus (proximal/2) ||theta - anchor||^2, to a gradient norm of 1e-8.

    L-BFGS comes near; its line search stops where losses no longer differ in float64, and Newton's steps finish.

    Args:
        terms: Weights and data.
        anchor: Where the search starts and what the proximal term pulls to.
        proximal: Weight of that term.
        guess: Another start of the search.

    Raises:
        RuntimeError: If the gradient stays larger.
    """
    shape, centre = anchor.shape, anchor.ravel()

    def value_and_gradient(flat: Any) -> tuple[float, np.ndarray]:
        theta = flat.reshape(shape)
        value = sum(weight * data.loss(theta) for weight, data in terms)
        slope = _gradient(terms, theta).ravel() + proximal * (flat - centre)
        return value + proximal / 2 * float((flat - centre) @ (flat - centre)), slope

    options = {"maxiter": 5000, "maxfun": 20000, "ftol": 0.0, "gtol": GRADIENT_TOLERANCE / 10, "maxcor": 30}
    start = centre if guess is None else guess.ravel()
    flat = minimize(value_and_gradient, start, jac=True, method="L-BFGS-B", options=options).x
    for _ in range(_NEWTON_STEPS):
        slope = value_and_gradient(flat)[1]
        if np.linalg.norm(slope) <= GRADIENT_TOLERANCE:
            return flat.reshape(shape)
        curvature = sum(weight * data.hessian(flat.reshape(shape)) for weight, data in terms)
        # Directions without curvature have no gradient either; least squares leaves them alone.
        flat = flat - np.linalg.lstsq(curvature + proximal * np.eye(flat.size), slope, rcond=1e-12)[0]
    raise RuntimeError(
        f"the gradient's norm is still {np.linalg.norm(slope):.3g}, allowed is {GRADIENT_TOLERANCE:g}; scale the features "
        "to norms near 1, or soften targets that can be separated."
    )


def _gradient(terms: Sequence[tuple[float, LinearData]], theta: np.ndarray) -> np.ndarray:
    return np.sum([weight * data.gradient(theta) for weight, data in terms], axis=0)
