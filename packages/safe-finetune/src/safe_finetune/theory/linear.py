"""Fine-tuning a linear softmax model, where the losses are convex: exact minimisers under either constraint.

Adding one row vector to all rows of theta changes no probability. Minimisers found from a start stay in the part of
parameter space that matters, so they are the nearest to it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.optimize import brentq

from safe_finetune.theory.bounds import check_radius, check_strength
from safe_finetune.theory.softmax_regression import LinearData, minimise

_ROUNDING_MARGIN = 1e-3
_SEARCH_ERROR = 1e-6


class BudgetSolution(NamedTuple):
    """The most capable model that keeps a budget, and the budget's price."""

    theta: Float[np.ndarray, "responses features"]
    strength: float
    """lambda of the penalty with the same minimiser: nats of task loss that one nat of budget is worth; 0 if the budget
    does not bind.
    """


@dataclass(frozen=True)
class LinearProblem:
    """Fine-tuning of an aligned linear model: safety, proxy safety and task data over the same features and responses.

    Raises:
        ValueError: If the data differ in features or responses.
    """

    safety: LinearData
    proxy: LinearData
    task: LinearData

    def __post_init__(self) -> None:
        """Refuse data of different models."""
        wanted = (self.safety.features.shape[1], self.safety.targets.shape[1])
        for name, data in (("proxy", self.proxy), ("task", self.task)):
            found = (data.features.shape[1], data.targets.shape[1])
            if found != wanted:
                raise ValueError(
                    f"`{name}` must have the {wanted[0]} features and {wanted[1]} responses of `safety`, "
                    f"got {found[0]} and {found[1]}; all three are read by one model."
                )

    @cached_property
    def aligned(self) -> Float[np.ndarray, "responses features"]:
        """The aligned start: minimiser of the safety loss."""
        return minimise([(1.0, self.safety)], self._zero)

    @cached_property
    def best_proxy(self) -> Float[np.ndarray, "responses features"]:
        """Minimiser of the proxy safety loss."""
        return minimise([(1.0, self.proxy)], self.aligned)

    @cached_property
    def capable(self) -> Float[np.ndarray, "responses features"]:
        """The minimiser of the task loss that is nearest to the aligned start."""
        return minimise([(1.0, self.task)], self.aligned)

    @property
    def _zero(self) -> Float[np.ndarray, "responses features"]:
        return np.zeros((self.safety.targets.shape[1], self.safety.features.shape[1]))

    def safety_gap(self, theta: Float[np.ndarray, "responses features"]) -> float:
        """Safety loss above its least."""
        return self.safety.loss(theta) - self.safety.loss(self.aligned)

    def proxy_gap(self, theta: Float[np.ndarray, "responses features"]) -> float:
        """Proxy safety loss above its least."""
        return self.proxy.loss(theta) - self.proxy.loss(self.best_proxy)

    def capability_gap(self, theta: Float[np.ndarray, "responses features"]) -> float:
        """Task loss above its least."""
        return self.task.loss(theta) - self.task.loss(self.capable)

    def penalised(self, strength: float) -> Float[np.ndarray, "responses features"]:
        """Minimiser of L_c + lambda L_hat_s. The gradient that ends the search is of the mean weighted by 1 and lambda,
        so that a large lambda does not ask for more than float64 has.
        """
        check_strength(strength)
        total = 1 + strength
        return minimise([(1 / total, self.task), (strength / total, self.proxy)], self.aligned)

    def within_budget(self, budget: float) -> BudgetSolution:
        """Minimiser of L_c among models whose proxy safety loss exceeds its least by at most a budget, in nats.

        Found as the penalised minimiser whose proxy gap is the budget; the gap falls steadily as lambda grows.

        Raises:
            ValueError: If the budget is not positive: at 0 only the proxy's own minimiser is left.
        """
        if not 0 < budget < np.inf:
            raise ValueError(f"`budget` must be positive and finite, got {budget}; at 0 take `best_proxy`.")
        if self.proxy_gap(self.capable) <= budget:
            return BudgetSolution(self.capable, 0.0)

        def excess(log_strength: float) -> float:
            return self.proxy_gap(self.penalised(float(np.exp(log_strength)))) - budget

        low, high = -1.0, 1.0
        while excess(low) < 0:
            low -= 2
        while excess(high) > 0:
            high += 2
        strength = float(np.exp(_root(excess, low, high)))
        return BudgetSolution(self.penalised(strength), strength)

    def in_ball(self, radius: float) -> Float[np.ndarray, "responses features"]:
        """Minimiser of L_c within the l2 ball of a radius around the aligned start.

        Found as the minimiser of L_c + (beta/2) ||theta - start||^2 whose distance is the radius; the distance falls
        steadily as beta grows, and the two problems have the same optimality conditions.
        """
        check_radius(radius)
        distance = float(np.linalg.norm(self.capable - self.aligned))
        if distance <= radius:
            return self.capable
        # Closer than the search is exact, the capable model itself is moved onto the sphere.
        theta = self.capable if distance <= radius * (1 + _SEARCH_ERROR) else self._at_distance(radius)
        step = theta - self.aligned
        return self.aligned + step * (radius / np.linalg.norm(step))

    def _at_distance(self, radius: float) -> Float[np.ndarray, "responses features"]:
        near = self.capable

        def excess(log_beta: float) -> float:
            nonlocal near
            near = minimise([(1.0, self.task)], self.aligned, proximal=float(np.exp(log_beta)), guess=near)
            return float(np.linalg.norm(near - self.aligned)) - radius

        # At the optimum beta * distance is the gradient's norm, which is at most that of the start.
        high = float(np.log(np.linalg.norm(self.task.gradient(self.aligned)) / radius)) + _ROUNDING_MARGIN
        low = high - 1
        while excess(low) < 0:
            low -= 2
        excess(_root(excess, low, high))
        return near


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    return float(brentq(function, low, high, xtol=1e-13, rtol=1e-13))
