"""A figure from one value a seed."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from gpu_commons import Figure

_RESAMPLES = 2000


def seed_mean(
    name: str, values: float | Sequence[float], *, unit: str, better: Any = "lower", target: float | None = None
) -> Figure:
    """The mean with its 95 % interval by the bootstrap over seeds; a single value has none."""
    several = np.atleast_1d(np.asarray(values, dtype=float))
    interval = None
    if several.size > 1:
        draws = np.random.default_rng(0).choice(several, size=(_RESAMPLES, several.size)).mean(1)
        low, high = np.quantile(draws, [0.025, 0.975])
        interval = (float(low), float(high))
    return Figure(id=name, value=float(several.mean()), interval=interval, unit=unit, better=better, target=target)
