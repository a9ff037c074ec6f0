"""The bounds of loss-constrained fine-tuning, evaluated for a tabular problem, where all that they need is known."""

from typing import NamedTuple

import numpy as np

from safe_finetune.theory.bounds import loss_constraint_capability, loss_constraint_safety
from safe_finetune.theory.tabular import TabularProblem, expectation


class LossConstraintBounds(NamedTuple):
    """Upper bounds of the gaps of the penalised minimiser, in nats; all hold, the closed forms are tighter."""

    safety: float
    """I-a."""
    safety_closed_form: float
    """I-c."""
    capability: float
    """I-b."""
    capability_closed_form: float
    """I-c."""
    capability_linear: float
    """I-c made linear in the overlap: lambda * O."""


def bound_loss_constraint(problem: TabularProblem, strength: float) -> LossConstraintBounds:
    """All bounds of loss-constrained fine-tuning at one strength. They are ours, in the setting of arXiv 2503.20807."""
    return LossConstraintBounds(
        safety=_general_safety(problem, strength),
        safety_closed_form=_closed_form_safety(problem, strength),
        capability=_general_capability(problem, strength),
        capability_closed_form=_closed_form_capability(problem, strength),
        capability_linear=strength * problem.overlap,
    )


def proxy_floor(problem: TabularProblem, strength: float) -> float:
    """2 B TV, the part of bound I-a that no strength removes: what proxy data other than the original may cost.

    Ours, in the setting of arXiv 2503.20807; proof at :func:`safe_finetune.theory.bounds.loss_constraint_safety`.
    B is the largest loss of the two policies in the proof, measured on the support of both data sets.
    """
    policies = (problem.policy(strength), _reference(problem))
    ceiling = max(data.largest_loss(policy) for data in (problem.safety, problem.proxy) for policy in policies)
    return 2 * ceiling * problem.safety.total_variation(problem.proxy)


def _general_safety(problem: TabularProblem, strength: float) -> float:
    """I-a against the reference below; proof at :func:`safe_finetune.theory.bounds.loss_constraint_safety`."""
    reference = problem.gaps(_reference(problem))
    without_proxy = loss_constraint_safety(
        strength,
        comparator_capability_gap=reference.capability,
        comparator_safety_gap=reference.safety,
        loss_ceiling=0.0,
        total_variation=0.0,
    )
    return without_proxy + proxy_floor(problem, strength)


def _reference(problem: TabularProblem) -> np.ndarray:
    """Safe where the proxy data look, capable elsewhere: without overlap it costs no capability."""
    only_task = problem.task.holds & ~problem.proxy.holds
    return np.where(only_task[:, None], problem.task.responses, problem.safety.responses)


def _general_capability(problem: TabularProblem, strength: float) -> float:
    """I-b; the capability minimiser with the least proxy loss is P_c in task contexts and P_hat_s elsewhere."""
    shared = np.where(problem.task.holds, problem.proxy.contexts, 0.0)
    gap = expectation(shared, problem.proxy.divergences(problem.task.responses))
    return loss_constraint_capability(strength, proxy_gap=gap)


def _closed_form_capability(problem: TabularProblem, strength: float) -> float:
    """I-c: G_c <= sum_x mu_c log(1 + lambda mu_hat_s / mu_c) <= lambda O. Ours, in the setting of arXiv 2503.20807.

    Proof: the minimiser is at least (1 - w) P_c, so each divergence is at most -log(1 - w); log(1 + u) <= u.
    """
    held = problem.task.holds
    odds = strength * problem.proxy.contexts[held] / problem.task.contexts[held]
    return float((problem.task.contexts[held] * np.log1p(odds)).sum())


def _closed_form_safety(problem: TabularProblem, strength: float) -> float:
    """I-c: G_s <= sum_x mu_s (KL(P_s || P_hat_s) + log(1 + mu_c / (lambda mu_hat_s))) over covered contexts, plus
    mu_s KL(P_s || P_c) over those that only the task data hold. Ours, in the setting of arXiv 2503.20807.

    Proof: in a covered context the minimiser is at least w P_hat_s, so its divergence is at most KL(P_s || P_hat_s) -
    log w; elsewhere the minimiser is P_c, or P_s where nothing trains it. If the proxy data are the original, the first
    sum is at most mu_c(supp mu_s) / lambda.
    """
    covered = problem.proxy.holds
    log_inverse_weight = np.zeros_like(problem.safety.contexts)
    log_inverse_weight[covered] = np.log1p(
        problem.task.contexts[covered] / (strength * problem.proxy.contexts[covered])
    )
    held_back = problem.safety.divergences(problem.proxy.responses) + log_inverse_weight
    lost = np.where(problem.task.holds, problem.safety.divergences(problem.task.responses), 0.0)
    return expectation(problem.safety.contexts, np.where(covered, held_back, lost))
