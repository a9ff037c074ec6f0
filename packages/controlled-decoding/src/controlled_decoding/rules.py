"""The decoding rules: how margins of candidate tokens become a shift of their log-probabilities.

SASA chooses, at every step, the distribution that maximises expected margin while staying close to the model
(Proposition 1): ``max_pi sum_i pi_i f_i - KL(pi || p) / beta``, whose unique maximiser is ``pi_i ~ p_i exp(beta
f_i)``. Everything here works on the last axis of candidate tensors; a candidate with log-probability -inf is absent.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from controlled_decoding.config import RULES, Rule

BISECTION_STEPS = 30


def transform_margins(
    margins: Float[Tensor, "*batch candidates"],
    log_p: Float[Tensor, "*batch candidates"],
    rule: Rule,
    *,
    slope: float = 1.0,
    intercept: float = 0.0,
) -> Float[Tensor, "*batch candidates"]:
    """Turn margins into what the strength multiplies.

    Args:
        margins: Signed distances ``w.(h - b)`` with unit ``w``; positive on the desired side.
        log_p: Log-probabilities of the candidates before steering.
        rule: "log_odds" is the calibrated log-odds up to a constant, so that a strength of 1 multiplies a candidate's
            probability by its odds of being desired. "bayes" is the calibrated log-probability of being desired: at a
            strength of 1 the posterior of Bayes' rule, and whatever the strength it leaves candidates alone that are
            all surely desired (Yang and Klein 2021, FUDGE, with this classifier in place of theirs). "identity" is the
            margin of Proposition 1. "softmax" is what the released code adds: the softmax of the margins over the
            candidates, bounded in [0, 1], whose effect depends on the number of candidates. "zscore" divides the
            margins by their spread over the candidates.
        slope: Log-odds per unit of margin.
        intercept: Log-odds where the margin is 0; only "bayes" depends on it.
    """
    present = torch.isfinite(log_p)
    if rule == "identity":
        return margins
    if rule == "log_odds":
        return margins * slope
    if rule == "bayes":
        return torch.nn.functional.logsigmoid(slope * margins + intercept)
    if rule == "softmax":
        return margins.masked_fill(~present, -torch.inf).softmax(-1)
    if rule == "zscore":
        count = present.sum(-1, keepdim=True)
        mean = margins.masked_fill(~present, 0.0).sum(-1, keepdim=True) / count
        spread = ((margins - mean).masked_fill(~present, 0.0).square().sum(-1, keepdim=True) / count).sqrt()
        return (margins - mean) / spread.clamp(min=1e-6)
    raise ValueError(f"`rule` must be one of {', '.join(RULES)}, got {rule!r}.")


def gibbs(
    log_p: Float[Tensor, "*batch candidates"], shift: Float[Tensor, "*batch candidates"]
) -> Float[Tensor, "*batch candidates"]:
    """Log of the steered distribution ``p_i exp(shift_i)``, normalised over the candidates (Proposition 1 with shift =
    beta f).
    """
    return torch.log_softmax(log_p + shift, dim=-1)


def kl_divergence(
    log_q: Float[Tensor, "*batch candidates"], log_p: Float[Tensor, "*batch candidates"]
) -> Float[Tensor, "*batch"]:
    """KL(q || p) in nats; absent candidates count nothing."""
    return torch.where(torch.isfinite(log_q), log_q.exp() * (log_q - log_p), 0.0).sum(-1)


def scale_to_budget(
    log_p: Float[Tensor, "*batch candidates"],
    shift: Float[Tensor, "*batch candidates"],
    budget: float,
    *,
    largest: float = 1e3,
) -> Float[Tensor, "*batch"]:
    """Largest factor in [0, ``largest``] by which the shift can be multiplied with ``KL(steered || p) <= budget`` nats.

    By bisection, which is sound because d KL / d factor = factor * Var(shift) >= 0.
    """
    low = torch.zeros_like(shift[..., 0])
    high = torch.full_like(low, largest)
    for _ in range(BISECTION_STEPS):
        middle = (low + high) / 2
        fits = kl_divergence(gibbs(log_p, middle[..., None] * shift), log_p) <= budget
        low, high = torch.where(fits, middle, low), torch.where(fits, high, middle)
    return low


def exempt(
    log_p: Float[Tensor, "*batch candidates"],
    shift: Float[Tensor, "*batch candidates"],
    special: Bool[Tensor, "*batch candidates"],
) -> Float[Tensor, "*batch candidates"]:
    """Give special tokens the shift that leaves their probability exactly as it was.

    The state after an end-of-text token lies off the distribution that the subspace was fitted on, so its margin is
    noise. The neutral shift is the log of the mean, under p, of ``exp(shift)`` over the other candidates, of which
    every row must have one.
    """
    others = log_p.masked_fill(special, -torch.inf)
    neutral = torch.logsumexp(others + shift, dim=-1, keepdim=True) - torch.logsumexp(others, dim=-1, keepdim=True)
    return torch.where(special, neutral, shift)
