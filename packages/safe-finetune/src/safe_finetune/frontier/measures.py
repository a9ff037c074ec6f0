"""Geometry of a two-sided trade-off, on tables of (safety, capability) in which larger is better on both sides."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from safe_finetune.frontier.points import FrontierPoint

_CONFIDENCE = 0.95


class Hypervolume(NamedTuple):
    """Area that some points dominate above a reference point, in the product of the axes' units."""

    value: float
    interval: tuple[float, float] | None
    """95 %, over seeds; None without at least two runs of each point."""


class Violation(NamedTuple):
    """Two neighbours in strength between which a value went the wrong way."""

    weaker: FrontierPoint
    stronger: FrontierPoint
    axis: str
    """``"safety"`` or ``"capability"``."""
    amount: float
    """By how much, in the axis's unit."""


def pareto_mask(values: Float[np.ndarray, "points 2"]) -> Bool[np.ndarray, " points"]:
    """Which points no other point dominates: as good on both sides and better on one. Equal points all stay."""
    at_least = (values[:, None] >= values[None]).all(2)
    better = (values[:, None] > values[None]).any(2)
    return np.logical_not((at_least & better).any(0))


def hypervolume(values: Float[np.ndarray, "points 2"], reference: Float[np.ndarray, " 2"]) -> float:
    """Area of the union of rectangles between the reference and each point that is better on both sides."""
    inside = values[(values > reference).all(1)] - reference
    inside = inside[np.argsort(-inside[:, 0])]
    heights = np.maximum.accumulate(inside[:, 1])
    widths = inside[:, 0] - np.append(inside[1:, 0], 0.0)
    return float((widths * heights).sum())


def hypervolume_interval(
    runs: Float[np.ndarray, "seeds points 2"], reference: Float[np.ndarray, " 2"], *, num_resamples: int, seed: int
) -> tuple[float, float]:
    """95 % percentile interval of the area of the mean points: seeds are drawn again, each with all its points."""
    rng = np.random.default_rng(seed)
    draws = rng.integers(len(runs), size=(num_resamples, len(runs)))
    areas = [hypervolume(runs[draw].mean(0), reference) for draw in draws]
    low, high = np.quantile(areas, [(1 - _CONFIDENCE) / 2, (1 + _CONFIDENCE) / 2])
    return float(low), float(high)


def knee(values: Float[np.ndarray, "points 2"]) -> int | None:
    """The point of the Pareto set that lies farthest beyond the chord between the set's ends, both sides scaled to
    [0, 1]; None if no point lies beyond it.

    Source: Das 1999, "On characterizing the knee of the Pareto curve".
    """
    kept = np.flatnonzero(pareto_mask(values))
    front = values[kept]
    low, span = front.min(0), np.ptp(front, axis=0)
    if (span == 0).any():
        return None
    # On the scaled sides the chord joins (0, 1) and (1, 0): the sum is 1 on it and more beyond it.
    beyond = ((front - low) / span).sum(1) - 1
    best = int(beyond.argmax())
    return int(kept[best]) if beyond[best] > 1e-9 else None
