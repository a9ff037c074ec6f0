"""A metric's value, or why there is none, so that a table can say so instead of averaging NaN."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from protein_fitness.metrics.spearman import FEWEST


@dataclass(frozen=True, kw_only=True)
class Measure:
    """What came out.

    Attributes:
        value: NaN where the metric has none.
        reason: Why it has none, a sentence; empty where there is a value.
    """

    value: float
    reason: str = ""


def no_measure(reason: str) -> Measure:
    """NaN with its reason."""
    return Measure(value=float("nan"), reason=reason)


def reason_against(values: Float[np.ndarray, " mutants"], name: str) -> str:
    """Why these cannot be ranked: fewer than 10, or all the same; empty if they can.

    Args:
        values: Without NaN.
        name: Of one of them, for the sentence.
    """
    if len(values) < FEWEST:
        return f"{len(values)} mutants have a score and a label; a metric needs {FEWEST} or more."
    if np.ptp(values) == 0:
        return f"all {len(values)} mutants have the {name} {values[0]:g}, so that there is nothing to rank."
    return ""
