"""Spearman's correlation of scores with what was measured, with an interval."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.stats import rankdata

RESAMPLES = 1000
FEWEST = 10


@dataclass(frozen=True, kw_only=True)
class Spearman:
    """A correlation of ranks.

    Attributes:
        value: From -1 to 1.
        low: Of the interval.
        high: Of the interval.
        count: Mutants with both a score and a label.
    """

    value: float
    low: float
    high: float
    count: int


def spearman(
    scores: Float[np.ndarray, " mutants"],
    labels: Float[np.ndarray, " mutants"],
    *,
    resamples: int = RESAMPLES,
    level: float = 0.95,
    seed: int = 0,
) -> Spearman:
    """Correlate, and draw mutants with replacement for the interval.

    Args:
        scores: NaN where there is none.
        labels: NaN where there is none.
        resamples: Of the mutants.
        level: Of the interval.
        seed: Of the draws.

    Raises:
        ValueError: If fewer than 10 mutants have both, or all of them have the same score or the same label.
    """
    both = ~(np.isnan(scores) | np.isnan(labels))
    left, right = scores[both], labels[both]
    if len(left) < FEWEST:
        raise ValueError(f"{len(left)} mutants have a score and a label; a correlation needs {FEWEST} or more.")
    for name, values in (("score", left), ("label", right)):
        if np.ptp(values) == 0:
            raise ValueError(
                f"all {len(left)} mutants have the {name} {values[0]:g}, so that there is nothing to rank."
            )
    draws = np.random.default_rng(seed)
    drawn = []
    for _ in range(resamples):
        rows = draws.integers(len(left), size=len(left))
        if (found := _correlation(left[rows], right[rows])) is not None:
            drawn.append(found)
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    value = _correlation(left, right)
    assert value is not None
    return Spearman(value=value, low=float(low), high=float(high), count=len(left))


def _correlation(left: np.ndarray, right: np.ndarray) -> float | None:
    """None if one of them is constant, as few mutants drawn with replacement may be."""
    one, other = (rankdata(values) for values in (left, right))
    one, other = one - one.mean(), other - other.mean()
    length = np.sqrt((one @ one) * (other @ other))
    return float(one @ other / length) if length > 0 else None
