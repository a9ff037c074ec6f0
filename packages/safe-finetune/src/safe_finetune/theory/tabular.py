"""Loss-constrained fine-tuning where everything is known: finitely many contexts and responses, any policy allowed.

A penalised minimiser has a closed form here, so that the frontier between safety and capability is exact and bounds can
be checked against it. Losses and gaps are nats per response.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from safe_finetune.theory.bounds import check_strength

_SUM_TOLERANCE = 1e-9
_RELATIVE_STEP = 1e-4


class Gaps(NamedTuple):
    """How far a policy is from the best of each loss, in nats: original safety data, proxy safety data, task data."""

    safety: float
    proxy: float
    capability: float


class TabularFrontier(NamedTuple):
    """Gaps of the penalised minimisers, one entry a strength (lambda), in the order asked for."""

    strengths: Float[np.ndarray, " strengths"]
    safety: Float[np.ndarray, " strengths"]
    proxy: Float[np.ndarray, " strengths"]
    capability: Float[np.ndarray, " strengths"]


@dataclass(frozen=True, kw_only=True)
class TabularData:
    """A distribution over contexts x and responses y: rho(x, y) = mu(x) P(y|x).

    Raises:
        ValueError: If an entry is negative or not finite, or a distribution does not sum to 1.
    """

    contexts: Float[np.ndarray, " contexts"]
    """mu(x); a context of mass 0 is one that the data do not hold."""
    responses: Float[np.ndarray, "contexts responses"]
    """P(y|x), a row a context, also where mu(x) is 0."""

    def __post_init__(self) -> None:
        """Refuse what is no distribution."""
        _check_distributions("contexts", self.contexts)
        _check_distributions("responses", self.responses)

    @property
    def holds(self) -> Bool[np.ndarray, " contexts"]:
        """Which contexts have mass."""
        return self.contexts > 0

    def divergences(self, policy: Float[np.ndarray, "contexts responses"]) -> Float[np.ndarray, " contexts"]:
        """KL(P(.|x) || policy(.|x)) of each context, in nats; infinite where the policy excludes a response of P."""
        with np.errstate(divide="ignore", invalid="ignore"):
            terms = self.responses * (np.log(self.responses) - np.log(policy))
        return np.where(self.responses > 0, terms, 0.0).sum(1)

    def gap(self, policy: Float[np.ndarray, "contexts responses"]) -> float:
        """Expected negative log-likelihood of the policy above the least of any policy: E_mu KL(P || policy)."""
        return expectation(self.contexts, self.divergences(policy))

    def largest_loss(self, policy: Float[np.ndarray, "contexts responses"]) -> float:
        """Largest -log policy(y|x) on the support: the B of the bounds, which a log-loss has only if measured."""
        joint = self.contexts[:, None] * self.responses
        with np.errstate(divide="ignore"):
            return float(-np.log(policy[joint > 0]).min())

    def total_variation(self, other: "TabularData") -> float:
        """Half the l1 distance of the two joint distributions of contexts and responses, in [0, 1]."""
        joints = [data.contexts[:, None] * data.responses for data in (self, other)]
        return float(np.abs(joints[0] - joints[1]).sum() / 2)


@dataclass(frozen=True, kw_only=True)
class TabularProblem:
    """Fine-tuning on task data while the loss on proxy safety data is held down by a penalty of strength lambda:
    minimise L_c + lambda * L_hat_s over all policies.

    The aligned start is the minimiser of L_s, the conditional of the original safety data. Contexts that neither task
    nor proxy data hold are not trained and keep it.

    Source: the setting of arXiv 2503.20807; the closed form and the notions below are ours.

    Raises:
        ValueError: If the tables do not have the same shape.
    """

    safety: TabularData
    """Original safety data (mu_s, P_s), which a fine-tuner usually does not have."""
    proxy: TabularData
    """Safety data that the fine-tuner has (mu_hat_s, P_hat_s)."""
    task: TabularData
    """Capability data (mu_c, P_c)."""

    def __post_init__(self) -> None:
        """Refuse tables of different contexts or responses."""
        for name, data in (("proxy", self.proxy), ("task", self.task)):
            if data.responses.shape != self.safety.responses.shape:
                raise ValueError(
                    f"`{name}` must have the contexts and responses of `safety`, {self.safety.responses.shape}, "
                    f"got {data.responses.shape}; give absent contexts the mass 0."
                )

    @property
    def overlap(self) -> float:
        """Context-overlap mass O = mu_hat_s(supp mu_c): how much of the proxy safety data lies in task contexts."""
        return float(self.proxy.contexts[self.task.holds].sum())

    @property
    def uncovered_mass(self) -> float:
        """mu_s of the contexts that the proxy data lack: nothing holds the policy there if the task data move it."""
        return float(self.safety.contexts[~self.proxy.holds].sum())

    def mixture_weights(self, strength: float) -> Float[np.ndarray, " contexts"]:
        """w(x) = lambda mu_hat_s(x) / (mu_c(x) + lambda mu_hat_s(x)); 0 where neither data set has the context."""
        check_strength(strength)
        pull = strength * self.proxy.contexts
        total = self.task.contexts + pull
        return np.divide(pull, total, out=np.zeros_like(total), where=total > 0)

    def policy(self, strength: float) -> Float[np.ndarray, "contexts responses"]:
        """Exact penalised minimiser: (1 - w(x)) P_c(.|x) + w(x) P_hat_s(.|x).

        Ours, with proof: at each context the objective is mu_c KL(P_c || pi) + lambda mu_hat_s KL(P_hat_s || pi) plus a
        constant, a cross-entropy against the weighted mean of the two, which that mean minimises.
        """
        weights = self.mixture_weights(strength)[:, None]
        mixed = (1 - weights) * self.task.responses + weights * self.proxy.responses
        trained = (self.task.holds | self.proxy.holds)[:, None]
        return np.where(trained, mixed, self.safety.responses)

    def gaps(self, policy: Float[np.ndarray, "contexts responses"]) -> Gaps:
        """Gaps of any policy."""
        return Gaps(self.safety.gap(policy), self.proxy.gap(policy), self.task.gap(policy))

    def frontier(self, strengths: Sequence[float]) -> TabularFrontier:
        """Exact frontier: as lambda grows, the proxy gap never grows and the capability gap never shrinks.

        Ours, with proof: add the two optimality inequalities of two strengths; (lambda - lambda') times the difference
        of their proxy losses is at most 0.
        """
        gaps = [self.gaps(self.policy(strength)) for strength in strengths]
        safety, proxy, capability = np.array(gaps, dtype=np.float64).reshape(-1, 3).T
        return TabularFrontier(np.array(strengths, dtype=np.float64), safety, proxy, capability)

    def dual_price(self, strength: float) -> float:
        """-dL_c/dL_hat_s along the frontier, by central differences: nats of capability that one nat of proxy safety
        costs. It equals lambda; NaN where nothing is traded, because no context is shared.

        Ours, with proof: the minimiser is stationary, so dL_c + lambda dL_hat_s = 0 along the frontier.
        """
        ends = self.frontier([strength * (1 - _RELATIVE_STEP), strength * (1 + _RELATIVE_STEP)])
        bought = ends.proxy[0] - ends.proxy[1]
        return float((ends.capability[1] - ends.capability[0]) / bought) if bought > 0 else float("nan")


def expectation(weights: Float[np.ndarray, " contexts"], values: Float[np.ndarray, " contexts"]) -> float:
    """Weighted sum in which an infinite value of weight 0 counts nothing."""
    return float((weights[weights > 0] * values[weights > 0]).sum())


def _check_distributions(name: str, table: np.ndarray) -> None:
    if not np.isfinite(table).all() or (table < 0).any():
        wrong = table[~np.isfinite(table) | (table < 0)][0]
        raise ValueError(f"`{name}` must hold probabilities, got {wrong}; clip or count again.")
    off = np.abs(table.sum(-1) - 1)
    if (off > _SUM_TOLERANCE).any():
        raise ValueError(
            f"`{name}` must sum to 1 along the last axis, got {table.sum(-1).flat[off.argmax()]:.6g}; divide by the sum."
        )
