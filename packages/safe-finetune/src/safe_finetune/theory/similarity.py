"""How similar proxy safety data are to the original: estimates from rows of embeddings, or of any other score.

Total variation itself cannot be estimated from rows of high dimension; a classifier that tells the sets apart certifies
a lower bound of it. So data can be shown to differ here, but not to be the same.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.optimize import brentq
from scipy.special import rel_entr
from scipy.stats import ks_2samp, rankdata

from safe_finetune.theory.softmax_regression import LinearData, minimise

_RIDGE = 1e-2
_CONFIDENCE = 0.95
_MIN_ROWS = 10


class TwoSampleTest(NamedTuple):
    """How well held-out rows of two sets are told apart."""

    auroc: float
    """0.5 if not at all, 1 if perfectly."""
    auroc_interval: tuple[float, float]
    """95 %, valid for any number of rows."""
    total_variation_at_least: float
    """What the interval's lower end certifies; 0 says nothing."""
    num_held_out: tuple[int, int]


class ProfileDistance(NamedTuple):
    """How far apart two sets of losses are."""

    distance: float
    """Largest difference of the shares of rows with a loss below some level, in [0, 1]."""
    total_variation_at_least: float
    """What it certifies with 95 % confidence; 0 says nothing."""


class Discrepancy(NamedTuple):
    """Maximum mean discrepancy of two sets."""

    mmd_squared: float
    """Unbiased, hence negative at times; between 0 and 2 in expectation."""
    p_value: float
    """Share of random splits of the pooled rows that are at least as far apart."""


def two_sample_test(
    first: Float[np.ndarray, "rows1 width"], second: Float[np.ndarray, "rows2 width"], *, seed: int = 0
) -> TwoSampleTest:
    """Train a ridge logistic classifier to tell two sets apart on one half of each, and judge it on the other.

    Source: classifier two-sample tests, Lopez-Paz and Oquab 2017. Differs: AUROC in place of accuracy, so that sets of
    unequal size need no weights, and the bound :func:`certified_total_variation`.

    Args:
        first: Embeddings of the original rows; independent, so drop repeated rows before.
        second: Embeddings of the proxy rows.
        seed: Of the halves.

    Raises:
        ValueError: If a set has fewer than 10 rows, or holds NaN or infinity.
    """
    sets = [_checked("first", first), _checked("second", second)]
    rng = np.random.default_rng(seed)
    halves = [np.array_split(rows[rng.permutation(len(rows))], 2) for rows in sets]
    scores = _classifier_scores([half[0] for half in halves], [half[1] for half in halves])
    area = auroc(*scores)
    sizes = (len(scores[0]), len(scores[1]))
    interval = auroc_interval(area, min(sizes))
    return TwoSampleTest(area, interval, certified_total_variation(interval[0]), sizes)


def auroc(low: Float[np.ndarray, " rows1"], high: Float[np.ndarray, " rows2"]) -> float:
    """Chance that a row of ``high`` scores above one of ``low``; ties count half."""
    ranks = rankdata(np.concatenate([low, high]))
    above = ranks[len(low) :].sum() - len(high) * (len(high) + 1) / 2
    return float(above / (len(low) * len(high)))


def auroc_interval(area: float, num_rows: int) -> tuple[float, float]:
    """95 % interval of the AUROC, valid for any number of rows: all c with num_rows * KL(area || c) <= log(2 / 0.05).

    Chernoff's bound holds for two-sample U-statistics with the smaller set's size in place of the number of terms.

    Args:
        area: Measured on rows that the scores were not fitted to.
        num_rows: Of the smaller set.

    Source: Hoeffding 1963, section 5. A bootstrap interval would have no width at an AUROC of 1.
    """
    allowed = np.log(2 / (1 - _CONFIDENCE)) / num_rows

    def excess(candidate: float) -> float:
        divergence = rel_entr(area, candidate) + rel_entr(1 - area, 1 - candidate)
        return float(min(divergence, 1e300)) - allowed  # infinite at the ends, which the root finder refuses

    low = brentq(excess, 0.0, area) if excess(0.0) > 0 else 0.0
    high = brentq(excess, area, 1.0) if excess(1.0) > 0 else 1.0
    return float(low), float(high)


def certified_total_variation(auroc_lower_bound: float) -> float:
    """The least total variation of two distributions that some score tells apart with this AUROC c: TV >= 1 - sqrt(2
    (1 - c)).

    Ours, in the setting of arXiv 2503.20807. Proof: a score's ROC curve lies at most TV above the diagonal, so the area
    under it is at most the integral of min(1, u + TV), 1 - (1 - TV)^2 / 2.
    """
    if not 0 <= auroc_lower_bound <= 1:
        raise ValueError(f"`auroc_lower_bound` must be in [0, 1], got {auroc_lower_bound}; it is a probability.")
    return max(0.0, 1 - float(np.sqrt(2 * (1 - auroc_lower_bound))))


def loss_profile_distance(first: Float[np.ndarray, " rows1"], second: Float[np.ndarray, " rows2"]) -> ProfileDistance:
    """Kolmogorov-Smirnov distance of the losses that one model, usually the aligned start, gives two sets of rows.

    It needs no embeddings and no classifier. Rows with a loss below a level are an event, so that the true distance is
    at most the total variation; the measured one exceeds the true by little (Dvoretzky-Kiefer-Wolfowitz inequality).

    Source: Massart 1990 for the inequality's constant.

    Args:
        first: Losses of the original rows, independent.
        second: Losses of the proxy rows.

    Raises:
        ValueError: If a set has fewer than 10 rows, or holds NaN or infinity.
    """
    sets = [_checked(name, rows[:, None])[:, 0] for name, rows in (("first", first), ("second", second))]
    distance = float(ks_2samp(*sets, method="asymp").statistic)
    # Each set's own excess has half of the 5 % for itself.
    excess = sum(np.sqrt(np.log(4 / (1 - _CONFIDENCE)) / (2 * len(rows))) for rows in sets)
    return ProfileDistance(distance, max(0.0, distance - float(excess)))


def mean_discrepancy(
    first: Float[np.ndarray, "rows1 width"],
    second: Float[np.ndarray, "rows2 width"],
    *,
    num_permutations: int = 200,
    seed: int = 0,
) -> Discrepancy:
    """Squared maximum mean discrepancy with a Gaussian kernel whose width is the median distance, and a permutation
    test.

    Memory is the square of the number of rows; a thousand of each set is plenty.

    Source: Gretton et al. 2012, equation 3.
    """
    pooled = np.concatenate([_checked("first", first), _checked("second", second)])
    pooled -= pooled.mean(0)  # a large common offset would cost the distances their precision
    norms = (pooled**2).sum(1)
    squared = np.maximum(norms[:, None] + norms - 2 * pooled @ pooled.T, 0.0)
    median = float(np.median(squared[np.triu_indices(len(pooled), 1)]))
    # Most rows may be the same; any width then shows the others as different.
    kernel = np.exp(-squared / (median or 1.0))
    rng = np.random.default_rng(seed)
    signs = np.r_[np.ones(len(first), bool), np.zeros(len(second), bool)]
    measured = _mmd_squared(kernel, signs)
    permuted = [_mmd_squared(kernel, rng.permutation(signs)) for _ in range(num_permutations)]
    at_least = sum(value >= measured for value in permuted)
    return Discrepancy(measured, (1 + at_least) / (1 + num_permutations))


def _mmd_squared(kernel: np.ndarray, in_first: np.ndarray) -> float:
    weights = in_first.astype(np.float64)
    rest = 1 - weights
    num_first, num_second = weights.sum(), rest.sum()
    onto_first, onto_second = kernel @ weights, kernel @ rest
    # The diagonal of a Gaussian kernel is 1; leaving it out is what makes the estimate unbiased.
    within_first = (weights @ onto_first - num_first) / (num_first * (num_first - 1))
    within_second = (rest @ onto_second - num_second) / (num_second * (num_second - 1))
    return float(within_first + within_second - 2 * (weights @ onto_second) / (num_first * num_second))


def _classifier_scores(train: list[np.ndarray], held_out: list[np.ndarray]) -> list[np.ndarray]:
    """Log-odds of the second set for the held-out rows of each; features are standardised by the training rows."""
    rows = np.concatenate(train)
    centre, scale = rows.mean(0), rows.std(0)
    scale[scale == 0] = 1.0

    def features(part: np.ndarray) -> np.ndarray:
        return np.c_[(part - centre) / scale, np.ones(len(part))]

    labels = np.repeat([0, 1], [len(part) for part in train])
    data = LinearData(features=features(rows), targets=np.eye(2)[labels])
    theta = minimise([(1.0, data)], np.zeros((2, rows.shape[1] + 1)), proximal=_RIDGE)
    return [features(part) @ (theta[1] - theta[0]) for part in held_out]


def _checked(name: str, rows: np.ndarray) -> np.ndarray:
    if len(rows) < _MIN_ROWS:
        raise ValueError(f"`{name}` must have at least {_MIN_ROWS} rows, got {len(rows)}; give more of that data.")
    if not np.isfinite(rows).all():
        wrong = int((~np.isfinite(rows)).any(1).argmax())
        raise ValueError(f"`{name}` holds NaN or infinity in row {wrong}; drop that row or embed in float32.")
    return rows.astype(np.float64)
