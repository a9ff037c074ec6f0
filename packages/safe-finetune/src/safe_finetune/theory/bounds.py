"""The inequalities by themselves, in measured numbers: what each constraint guarantees for safety and for capability.

They are ours, in the setting of arXiv 2503.20807, whose own theorems they are not. They hold but are loose, often
by a factor of ten or more: a guarantee, not a prediction. Losses and gaps are nats, per token or per response but the
same throughout; a gap is a loss above its least value. Penalty strength lambda weighs the safety loss against a task
loss of weight 1.
"""

import math


def loss_constraint_safety(
    strength: float,
    *,
    comparator_capability_gap: float,
    loss_ceiling: float,
    total_variation: float,
    comparator_safety_gap: float = 0.0,
    slack: float = 0.0,
) -> float:
    """I-a: safety gap of a minimiser of L_c + lambda L_hat_s, in any model class.

        G_s <= G_s(ref) + (G_c(ref) + slack) / lambda + 2 B TV(rho_s, rho_hat_s)

    Ours, in the setting of arXiv 2503.20807. Proof: optimality gives lambda (L_hat_s - L_hat_s(ref)) <= L_c(ref) - L_c
    + slack <= G_c(ref) + slack; replacing L_hat_s by L_s costs B TV for each of the two models.

    Args:
        strength: lambda.
        comparator_capability_gap: G_c(ref) of the reference model, for instance one that minimises L_s.
        loss_ceiling: B. A log-loss has no ceiling by itself: it is clipped or the largest measured of both models.
        total_variation: Of the original and the proxy safety data. An estimated lower bound gives no guarantee here.
        comparator_safety_gap: G_s(ref); 0 if the reference minimises L_s.
        slack: By how much the objective misses its minimum.
    """
    check_strength(strength)
    if not 0 <= total_variation <= 1:
        raise ValueError(f"`total_variation` must be in [0, 1], got {total_variation}; it is half an l1 distance.")
    decay = (comparator_capability_gap + slack) / strength
    return comparator_safety_gap + decay + 2 * loss_ceiling * total_variation


def loss_constraint_capability(strength: float, *, proxy_gap: float, slack: float = 0.0) -> float:
    """I-b: capability gap of a minimiser of L_c + lambda L_hat_s, in any model class.

        G_c <= lambda * proxy_gap + slack

    Ours, in the setting of arXiv 2503.20807. Proof: compare with the capability minimiser theta_c; L_c - min L_c <=
    lambda (L_hat_s(theta_c) - L_hat_s) + slack, and L_hat_s is at least its minimum.

    Args:
        strength: lambda.
        proxy_gap: L_hat_s - min L_hat_s of that capability minimiser which has the least L_hat_s.
        slack: By how much the objective misses its minimum.
    """
    check_strength(strength)
    return strength * proxy_gap + slack


def parameter_constraint_safety(radius: float, *, gradient_norm: float, curvature: float) -> float:
    """II-a: growth of the safety loss within an l2 ball: G_s - G_s(start) <= ||grad L_s|| r + (H_r / 2) r^2.

    Ours, in the setting of arXiv 2503.20807. Proof: Taylor's theorem along the segment from the start, which stays in
    the ball, with its remainder bounded by the largest curvature there.

    Args:
        radius: r, in units of the parameters.
        gradient_norm: Of L_s at the start; near 0 if the start is aligned.
        curvature: H_r, the largest eigenvalue of the Hessian of L_s anywhere in the ball. One measured at the start
            alone gives a forecast, not a bound.
    """
    check_radius(radius)
    return gradient_norm * radius + curvature / 2 * radius**2


def parameter_constraint_capability(radius: float, *, distance: float, start_gap: float) -> float:
    """II-b: capability gap of the ball's minimiser if L_c is convex: G_c <= max(0, 1 - r / D) G_c(start).

    Ours, in the setting of arXiv 2503.20807. Proof: the point at distance r on the segment from the start to the
    capability minimiser is allowed, and by convexity its loss lies under the chord.

    Args:
        radius: r, in units of the parameters.
        distance: D from the start to the nearest capability minimiser.
        start_gap: Capability gap of the start.
    """
    check_radius(radius)
    return 0.0 if radius >= distance else (1 - radius / distance) * start_gap


def parameter_constraint_first_order(
    radius: float, *, gradient_norm: float, curvature: float, start_gap: float
) -> float:
    """II-b for a smooth loss that need not be convex: G_c <= G_c(start) - r ||grad L_c|| + (H_c / 2) r^2.

    Ours, in the setting of arXiv 2503.20807. Proof: the step of length r against the gradient is allowed; Taylor's
    theorem as in II-a. It helps for small r only.

    Args:
        radius: r, in units of the parameters.
        gradient_norm: Of L_c at the start.
        curvature: H_c, the largest eigenvalue of the Hessian of L_c anywhere in the ball.
        start_gap: Capability gap of the start.
    """
    check_radius(radius)
    return start_gap - gradient_norm * radius + curvature / 2 * radius**2


def check_strength(strength: float) -> None:
    """Refuse a lambda that no penalty can have."""
    if not 0 < strength < math.inf:
        raise ValueError(
            f"`strength` (lambda) must be positive and finite, got {strength}; for no penalty take the task data's own minimiser."
        )


def check_radius(radius: float) -> None:
    """Refuse a radius that no ball has."""
    if not 0 < radius < math.inf:
        raise ValueError(
            f"`radius` must be positive and finite, got {radius}; radius 0 is the start itself, and no limit is plain fine-tuning."
        )
