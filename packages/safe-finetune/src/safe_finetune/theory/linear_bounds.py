"""The bounds of parameter-constrained fine-tuning, evaluated for a linear softmax model."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from safe_finetune.theory.bounds import (
    check_radius,
    parameter_constraint_capability,
    parameter_constraint_first_order,
    parameter_constraint_safety,
)
from safe_finetune.theory.linear import LinearProblem
from safe_finetune.theory.softmax_regression import LinearData

_LARGEST_SPAN = 50.0  # e^50 bounds nothing, and far beyond it overflows


class ParameterConstraintBounds(NamedTuple):
    """Upper bounds of the gaps of the minimiser in the ball, in nats per row."""

    safety: float
    """II-a."""
    capability: float
    """II-b, by convexity."""
    capability_first_order: float
    """II-b, by the gradient at the start; useful for small radii."""


def bound_parameter_constraint(problem: LinearProblem, radius: float) -> ParameterConstraintBounds:
    """All bounds of parameter-constrained fine-tuning at one radius. They are ours, in the setting of arXiv 2503.20807;
    proofs are in :mod:`safe_finetune.theory.bounds`.
    """
    start, start_gap = problem.aligned, problem.capability_gap(problem.aligned)
    return ParameterConstraintBounds(
        safety=parameter_constraint_safety(
            radius,
            gradient_norm=float(np.linalg.norm(problem.safety.gradient(start))),
            curvature=curvature_in_ball(problem.safety, start, radius),
        ),
        capability=parameter_constraint_capability(
            radius, distance=float(np.linalg.norm(problem.capable - start)), start_gap=start_gap
        ),
        capability_first_order=parameter_constraint_first_order(
            radius,
            gradient_norm=float(np.linalg.norm(problem.task.gradient(start))),
            curvature=curvature_in_ball(problem.task, start, radius),
            start_gap=start_gap,
        ),
    )


def curvature_in_ball(data: LinearData, centre: Float[np.ndarray, "responses features"], radius: float) -> float:
    """An upper bound of H_r, the largest Hessian eigenvalue of a loss anywhere within a radius of the centre.

    The lesser of two bounds, both ours. Anywhere, diag(p) - p p^T <= 1/2, so that half the largest eigenvalue of the
    mean x x^T suffices. Near the centre: a move by r changes the logits of row x by at most r ||x|| in norm, hence
    their differences by at most s = sqrt(2) r ||x||; the probabilities grow at most by the factor e^s, and so does the
    variance v^T (diag(p) - p p^T) v, whatever v. Weigh each row of the centre's Hessian by its e^s.
    """
    check_radius(radius)
    moments = data.features.T @ data.features / len(data.features)
    anywhere = float(np.linalg.eigvalsh(moments)[-1]) / 2
    spans = np.sqrt(2) * radius * np.linalg.norm(data.features, axis=1)
    if spans.max() > _LARGEST_SPAN:
        return anywhere
    return min(anywhere, float(np.linalg.eigvalsh(data.hessian(centre, np.exp(spans)))[-1]))
