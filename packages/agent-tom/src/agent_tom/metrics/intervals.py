"""Intervals for means over episodes, which are what is independent; rounds of an episode are not."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Shaped
from scipy.special import ndtr, ndtri


class Interval(NamedTuple):
    """A mean and its interval, which is the mean itself where all episodes agree or there is only one."""

    value: float
    low: float
    high: float


class EpisodeBootstrap:
    """The draws of one analysis, shared by all its measures.

    Episodes are drawn anew within their strata (what the partner began with), since the design and not chance decided
    how many there are of each.

    Args:
        strata: Of each episode.
        resamples: Number of draws.
        seed: Of the draws.
        level: Of the intervals.

    Source: BCa, Efron 1987.
    """

    def __init__(
        self, strata: Shaped[np.ndarray, " episodes"], *, resamples: int = 10_000, seed: int = 0, level: float = 0.95
    ):
        draws = np.random.default_rng(seed)
        self._groups = _groups(strata)
        self._weights = np.zeros((resamples, len(strata)))
        for group in self._groups:
            share = np.full(len(group), 1 / len(group))
            self._weights[:, group] = draws.multinomial(len(group), share, resamples) / len(strata)
        self._tails = ndtri([(1 - level) / 2, (1 + level) / 2])

    def mean(self, values: Float[np.ndarray, " episodes"]) -> Interval:
        """Mean over episodes; NaN if there are none."""
        if not len(values):
            return Interval(np.nan, np.nan, np.nan)
        value = float(values.mean())
        drawn = self._weights @ values
        if np.ptp(drawn) <= 1e-12 * (1 + abs(value)):
            return Interval(value, value, value)
        below = (drawn < value).mean() + (drawn == value).mean() / 2
        bias = ndtri(np.clip(below, 1e-4, 1 - 1e-4))
        shifted = bias + self._tails
        levels = ndtr(bias + shifted / (1 - self._acceleration(values) * shifted))
        low, high = np.quantile(drawn, levels)
        return Interval(value, float(low), float(high))

    def _acceleration(self, values: Float[np.ndarray, " episodes"]) -> float:
        """From the change of the mean when one episode is left out of its stratum."""
        changes = [
            len(group) / len(values) * (values[group] - values[group].mean()) / max(len(group) - 1, 1)
            for group in self._groups
        ]
        change = np.concatenate(changes)
        return float((change**3).sum() / (6 * (change**2).sum() ** 1.5))


def _groups(strata: Shaped[np.ndarray, " episodes"]) -> list[np.ndarray]:
    """Places of the episodes of each stratum, and of all that are alone in theirs."""
    _, members, counts = np.unique(strata, return_inverse=True, return_counts=True)
    alone = counts[members] == 1
    found = [np.flatnonzero(members == one) for one in np.flatnonzero(counts > 1)]
    return [*found, np.flatnonzero(alone)] if alone.any() else found
