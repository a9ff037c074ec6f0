"""Means over facts with their percentile bootstrap intervals."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.stats import bootstrap

_RESAMPLES_AT_ONCE = 500


class Interval(NamedTuple):
    """A mean over facts, its interval, and the number of facts it was measured on; NaN where there is nothing."""

    value: float
    low: float
    high: float
    num_facts: int


def mean_interval(values: Sequence[float], *, level: float = 0.95, resamples: int = 2000, seed: int = 0) -> Interval:
    """Mean and percentile interval; facts are what is drawn anew, since questions about one fact are alike.

    The same seed draws the same facts, so methods that were measured on the same facts can be compared.

    Args:
        values: One for each fact; NaN: not measured on this fact. With an infinite value or a single one there is no
            interval.
        level: Of the interval.
        resamples: Number of draws.
        seed: Of the draws.
    """
    measured = np.array([value for value in values if not math.isnan(value)])
    if not len(measured):
        return Interval(math.nan, math.nan, math.nan, 0)
    mean = float(measured.mean())
    if len(measured) == 1 or not math.isfinite(mean):
        return Interval(mean, math.nan, math.nan, len(measured))
    found = bootstrap(
        (measured,),
        np.mean,
        n_resamples=resamples,
        batch=_RESAMPLES_AT_ONCE,
        confidence_level=level,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return Interval(mean, float(found.low), float(found.high), len(measured))
