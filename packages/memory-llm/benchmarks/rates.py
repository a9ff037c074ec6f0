"""Rates over seeds and questions, with intervals."""

import numpy as np

from gpu_commons import Figure


def rate(name: str, right: np.ndarray, *, target: float | None = None) -> Figure:
    """Mean of a table of seeds x questions; the interval is over questions."""
    unit = {"unit": "rate", "better": "higher"}
    return Figure(id=name, value=float(right.mean()), interval=interval(right.mean(0)), target=target, **unit)


def difference(name: str, ours: np.ndarray, theirs: np.ndarray, *, target: float | None = None) -> Figure:
    """Of two such tables about the same questions."""
    apart = ours.mean(0) - theirs.mean(0)
    unit = {"unit": "rate", "better": "higher"}
    return Figure(id=name, value=float(apart.mean()), interval=interval(apart), target=target, **unit)


def interval(values: np.ndarray) -> tuple[float, float]:
    """Of the mean, by bootstrap, 95 %."""
    draws = np.random.default_rng(0).choice(values, size=(2000, len(values))).mean(1)
    low, high = np.quantile(draws, [0.025, 0.975])
    return float(low), float(high)
