"""One steered step and one subspace as plain values: what a trace is made of."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from controlled_decoding import rules
from controlled_decoding.decoder import Step
from controlled_decoding.steering import Steering
from controlled_decoding.subspace import SubspaceClassifier


@dataclass(frozen=True, kw_only=True)
class TracedAttribute:
    """One subspace of a trace.

    Attributes:
        name: The attribute, e.g. "toxicity".
        weight: Relative strength; the strength in force is this times the configured one.
        layer: Decoder block that was read.
        normed: Whether after the final norm.
        slope: Log-odds per unit of margin.
        intercept: Log-odds on the hyperplane.
        auc: Held-out AUC of the fit; None if unknown.
    """

    name: str
    weight: float
    layer: int
    normed: bool
    slope: float
    intercept: float
    auc: float | None


@dataclass(frozen=True, kw_only=True)
class TracedCandidate:
    """A token that was tried.

    Attributes:
        id: Token id.
        text: What it adds to the text.
        p_before: Probability among the step's candidates before steering; they sum to one.
        p_after: Probability after steering.
        shift: log p_after - log p_before, in nats.
        margins: Margin of the text that ends in this token, per attribute.
    """

    id: int
    text: str
    p_before: float
    p_after: float
    shift: float
    margins: list[float]


@dataclass(frozen=True, kw_only=True)
class TracedStep:
    """One generated token.

    Attributes:
        index: Number of the step, from 0.
        steered: Whether a strength was in force, after schedule and gate.
        chosen: Index in ``candidates`` of the token taken.
        candidates: Most probable first. A step without steering, or whose nucleus held one token, has one.
        kl: KL(after || before) over the candidates, in nats.
        margin_spread: Standard deviation of the margins over the candidates under ``p_before``, per attribute. To first
            order the expected margin rises by its square times the strength: a step without spread cannot be steered.
        margins_before: Margin of the text before the token, per attribute.
        margins_after: Margin of the text that ends in the token.
        log_odds_before: Calibrated log-odds of the text before the token, in nats; positive = desired.
        log_odds_after: The same for the text that ends in the token.
    """

    index: int
    steered: bool
    chosen: int
    candidates: list[TracedCandidate]
    kl: float
    margin_spread: list[float]
    margins_before: list[float]
    margins_after: list[float]
    log_odds_before: list[float]
    log_odds_after: list[float]

    @property
    def token(self) -> TracedCandidate:
        """The token taken."""
        return self.candidates[self.chosen]


def tried_tokens(step: Step) -> list[int]:
    """Token ids of the candidates, most probable first."""
    return step.candidates.tokens[0].tolist()


def chosen_place(step: Step) -> int:
    """Index of the token taken among the candidates."""
    return tried_tokens(step).index(int(step.chosen[0]))


def traced_step(
    steering: Steering,
    step: Step,
    *,
    index: int,
    before: Float[Tensor, " attributes"],
    after: Float[Tensor, " attributes"],
    texts: list[str],
) -> TracedStep:
    """The plain values of a step of a batch of one.

    Args:
        steering: What the step was steered by.
        step: As the decoder reports it.
        index: Number of the step, from 0.
        before: Margins of the text before the token.
        after: Margins of the text that ends in it.
        texts: Of the candidates.
    """
    log_p, log_q = step.candidates.log_p[0].double().cpu(), step.log_q[0].double().cpu()
    # A lone candidate was not tried: it was read as the next step's context.
    margins = (after[:, None] if step.margins is None else step.margins[0]).double().cpu()
    log_odds = [_log_odds(steering, values) for values in (before, after)]
    in_force = steering.strengths_now(steering.strengths(1), index, torch.tensor([log_odds[0]]))
    p, q, shift = log_p.exp().tolist(), log_q.exp().tolist(), (log_q - log_p).tolist()
    columns = zip(tried_tokens(step), texts, p, q, shift, margins.T.tolist(), strict=True)
    return TracedStep(
        index=index,
        steered=bool(in_force.any()),
        chosen=chosen_place(step),
        candidates=[
            TracedCandidate(id=token, text=text, p_before=p_before, p_after=p_after, shift=moved, margins=margin)
            for token, text, p_before, p_after, moved, margin in columns
        ],
        kl=max(0.0, float(rules.kl_divergence(log_q, log_p))),
        margin_spread=_spread(margins, log_p.exp()).tolist(),
        margins_before=before.tolist(),
        margins_after=after.tolist(),
        log_odds_before=log_odds[0],
        log_odds_after=log_odds[1],
    )


def _spread(
    margins: Float[Tensor, "attributes candidates"], p: Float[Tensor, " candidates"]
) -> Float[Tensor, " attributes"]:
    """Standard deviation under p."""
    deviations = margins - (margins * p).sum(-1, keepdim=True)
    return (p * deviations.square()).sum(-1).sqrt()


def _log_odds(steering: Steering, margins: Tensor) -> list[float]:
    pairs = zip(steering.subspaces, margins.tolist(), strict=True)
    return [subspace.slope * margin + subspace.intercept for subspace, margin in pairs]


def traced_attribute(subspace: SubspaceClassifier, weight: float) -> TracedAttribute:
    """The facts of a subspace that a reader of its margins needs."""
    return TracedAttribute(
        name=subspace.attribute,
        weight=weight,
        layer=subspace.site.layer,
        normed=subspace.site.normed,
        slope=subspace.slope,
        intercept=subspace.intercept,
        auc=None if subspace.report is None else subspace.report.auc,
    )
