"""An interval for a rate that stays honest for few trials and for rates of 0 and 1."""

from typing import NamedTuple


class Rate(NamedTuple):
    """A rate and its 95 % interval."""

    value: float
    low: float
    high: float


def wilson_rate(num_successes: int, num_trials: int) -> Rate:
    """Successes over trials with the Wilson score interval.

    Raises:
        ValueError: If there are no trials, or more successes than trials.

    Source: Wilson 1927, without continuity correction.
    """
    if not 0 <= num_successes <= num_trials or num_trials < 1:
        raise ValueError(f"a rate needs 0 <= successes <= trials and a trial, got {num_successes} of {num_trials}.")
    from scipy.stats import binomtest

    ends = binomtest(num_successes, num_trials).proportion_ci(0.95, method="wilson")
    return Rate(num_successes / num_trials, float(ends.low), float(ends.high))
