"""From scores of lines to weights: softmax, or 1.5-entmax, under which far lines weigh exactly nothing."""

from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

OUT_OF_REACH = 1e4
"""How far below the best score padding lies; entmax is 0 from a distance of 2 on."""


def address(
    scores: Float[Tensor, "batch lines"], line_mask: Bool[Tensor, "batch lines"], kind: str = "softmax"
) -> Float[Tensor, "batch lines"]:
    """Weights that sum to 1 over the lines of each row; padding weighs exactly 0.

    Args:
        scores: Of lines, already divided by the temperature.
        line_mask: False for padding; every row has a line.
        kind: "softmax" or "entmax".
    """
    if kind == "entmax":
        return entmax15(torch.where(line_mask, scores, _best(scores, line_mask) - OUT_OF_REACH))
    return torch.softmax(scores.masked_fill(~line_mask, -torch.inf), dim=-1)


def entmax15(scores: Float[Tensor, "*batch lines"]) -> Float[Tensor, "*batch lines"]:
    """1.5-entmax: ``p = max(s / 2 - t, 0)^2`` with the threshold t at which p sums to 1.

    The gradient is exact: ``J = diag(g) - g g^T / sum(g)`` with ``g = sqrt(p)``.

    Source: Peters et al. 2019, "Sparse Sequence-to-Sequence Models", Alg. 2.
    """
    return _Entmax15.apply(scores)  # type: ignore[no-untyped-call]


class _Entmax15(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, scores: Tensor) -> Tensor:
        halved = (scores - scores.amax(-1, keepdim=True)) / 2
        ordered = halved.sort(dim=-1, descending=True).values
        counts = torch.arange(1, scores.shape[-1] + 1, dtype=scores.dtype, device=scores.device)
        # Far below the best, squares would drown the sums; what lies there is outside the support anyway.
        near = ordered.clamp(min=-2.0)
        mean, mean_square = near.cumsum(-1) / counts, near.square().cumsum(-1) / counts
        spread = counts * (mean_square - mean.square())
        thresholds = mean - ((1 - spread) / counts).clamp(min=0).sqrt()
        support = ((thresholds <= near) & (near > -1)).sum(-1, keepdim=True)
        threshold = thresholds.gather(-1, support - 1)
        weights = (halved - threshold).clamp(min=0).square()
        context.save_for_backward(weights)
        return weights

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:
        (weights,) = context.saved_tensors
        roots = weights.sqrt()
        moved = gradient * roots
        return moved - roots * (moved.sum(-1, keepdim=True) / roots.sum(-1, keepdim=True))


def address_loss(
    scores: Float[Tensor, "rows lines"], weights: Float[Tensor, "rows lines"], wanted: Tensor, kind: str = "softmax"
) -> Float[Tensor, " rows"]:
    """How far weights are from one line each: ``-ln w[s]``, or its counterpart for entmax.

    For entmax ``-ln 0`` would be infinite with no gradient; the Fenchel-Young loss has the same gradient ``w - e_s``
    with respect to scores that softmax has, and is 0 where w is the wanted line alone.

    Args:
        scores: As given to :func:`address`.
        weights: What it returned.
        wanted: Numbers of the wanted lines (0-based), ``[rows]``.
        kind: "softmax" or "entmax".

    Source: MemReasoner 1.7; Peters et al. 2019 for entmax.
    """
    rows = torch.arange(len(wanted), device=wanted.device)
    if kind == "softmax":
        return -weights[rows, wanted].clamp(min=torch.finfo(weights.dtype).tiny).log()
    fixed = weights.detach()
    negentropy = (fixed.pow(1.5).sum(-1) - 1) / 0.75
    return (scores * fixed).sum(-1) - negentropy - scores[rows, wanted]


def _best(scores: Tensor, line_mask: Tensor) -> Float[Tensor, "batch 1"]:
    return scores.detach().masked_fill(~line_mask, -torch.inf).amax(-1, keepdim=True)
