"""Paired bootstrap by prompt.

Continuations of one prompt are alike, so prompts are what is drawn anew; and every method sees the same draws, so that
differences are not blurred by which prompts were drawn.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

Transform = Callable[[np.ndarray], np.ndarray]
_BLOCK = 500


class Interval(NamedTuple):
    """A value and its percentile interval; NaN where nothing could be measured."""

    value: float
    low: float
    high: float


class PromptSums(NamedTuple):
    """A measure as a ratio of two sums over prompts, by prompt.

    A mean over prompts has the denominator 1; a mean over tokens has summed nats over summed tokens. A prompt with
    nothing to measure has 0 and 0.
    """

    numerator: Float[np.ndarray, " prompts"]
    denominator: Float[np.ndarray, " prompts"]


class PairedBootstrap:
    """The draws of one analysis, shared by all its measures and methods.

    Args:
        num_prompts: Number of prompts.
        resamples: Number of draws; they take 2 * resamples * num_prompts bytes.
        seed: Of the draws.
        level: Of the intervals.
    Source: Efron and Tibshirani 1993, percentile method.
    """

    def __init__(self, num_prompts: int, *, resamples: int = 10_000, seed: int = 0, level: float = 0.95) -> None:
        if num_prompts < 1:
            raise ValueError(f"`num_prompts` must be at least 1, got {num_prompts}.")
        draws = np.random.default_rng(seed).multinomial(
            num_prompts, np.full(num_prompts, 1 / num_prompts), size=resamples
        )
        self._counts = draws.astype(np.uint16 if num_prompts < 2**16 else np.uint32)
        self._tails = ((1 - level) / 2, (1 + level) / 2)

    def value(self, sums: PromptSums, *, transform: Transform | None = None) -> Interval:
        """The measure itself; ``transform`` (as ``np.exp`` for perplexity) is applied to the ratio of sums."""
        return self._interval(*self._point_and_draws(sums, transform))

    def difference(self, method: PromptSums, baseline: PromptSums, *, transform: Transform | None = None) -> Interval:
        """Method minus baseline, both on the same draw of prompts."""
        (point, draws), (base, base_draws) = (
            self._point_and_draws(method, transform),
            self._point_and_draws(baseline, transform),
        )
        return self._interval(point - base, draws - base_draws)

    def ratio(self, method: PromptSums, baseline: PromptSums, *, transform: Transform | None = None) -> Interval:
        """Method over baseline, both on the same draw of prompts; NaN where the baseline is 0."""
        (point, draws), (base, base_draws) = (
            self._point_and_draws(method, transform),
            self._point_and_draws(baseline, transform),
        )
        return self._interval(float(_divide(np.asarray(point), np.asarray(base))), _divide(draws, base_draws))

    def _point_and_draws(self, sums: PromptSums, transform: Transform | None) -> tuple[float, np.ndarray]:
        columns = np.stack([sums.numerator, sums.denominator], 1).astype(np.float64)
        blocks = [
            self._counts[start : start + _BLOCK].astype(np.float64) @ columns
            for start in range(0, len(self._counts), _BLOCK)
        ]
        totals = np.concatenate([columns.sum(0, keepdims=True), *blocks])
        ratios = _divide(totals[:, 0], totals[:, 1])
        if transform is not None:
            ratios = transform(ratios)
        return float(ratios[0]), ratios[1:]

    def _interval(self, value: float, draws: Float[np.ndarray, " resamples"]) -> Interval:
        measured = draws[np.isfinite(draws)]
        if not np.isfinite(value) or not len(measured):
            return Interval(float("nan"), float("nan"), float("nan"))
        low, high = np.quantile(measured, self._tails)
        return Interval(value, float(low), float(high))


def _divide(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    return np.divide(numerator, denominator, out=np.full(np.shape(numerator), np.nan), where=denominator != 0)
