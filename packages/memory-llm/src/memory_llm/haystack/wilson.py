"""An interval for a rate that stays honest for few trials and for rates of 0 and 1."""

from typing import NamedTuple

# Half-width of a 95 % interval in standard deviations.
_Z = 1.959963984540054


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
    rate = num_successes / num_trials
    shrink = 1 + _Z**2 / num_trials
    centre = (rate + _Z**2 / (2 * num_trials)) / shrink
    half = _Z / shrink * ((rate * (1 - rate) + _Z**2 / (4 * num_trials)) / num_trials) ** 0.5
    # At 0 and 1 the interval ends there exactly; rounding would leave it 1e-17 away.
    low = 0.0 if num_successes == 0 else centre - half
    high = 1.0 if num_successes == num_trials else centre + half
    return Rate(rate, low, high)
