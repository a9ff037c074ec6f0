"""Means over questions whose intervals know that questions about the same text are alike."""

import math
from collections.abc import Hashable, Sequence

import numpy as np
from scipy.stats import bootstrap

from memory_llm.facts.interval import Interval

_RESAMPLES_AT_ONCE = 500


def text_interval(
    values: Sequence[float], texts: Sequence[Hashable], *, level: float = 0.95, resamples: int = 2000, seed: int = 0
) -> Interval:
    """Mean and percentile bootstrap interval; whole texts, with all their questions, are drawn anew.

    Args:
        values: One for each question.
        texts: What tells the text of each. Of a single text there is no interval.
        level: Of the interval.
        resamples: Number of draws.
        seed: Of the draws.

    Returns:
        NaN where there is nothing; ``num_facts`` is the number of questions.
    """
    if not len(values):
        return Interval(math.nan, math.nan, math.nan, 0)
    numbers = {text: number for number, text in enumerate(dict.fromkeys(texts))}
    rows = [numbers[text] for text in texts]
    sums, counts = np.bincount(rows, weights=np.asarray(values, dtype=float)), np.bincount(rows)
    mean = float(np.mean(values))
    if len(sums) == 1:
        return Interval(mean, math.nan, math.nan, len(values))
    found = bootstrap(
        (sums, counts),
        lambda drawn, of, axis=-1: drawn.sum(axis) / of.sum(axis),
        paired=True,
        vectorized=True,
        n_resamples=resamples,
        batch=_RESAMPLES_AT_ONCE,
        confidence_level=level,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return Interval(mean, float(found.low), float(found.high), len(values))
