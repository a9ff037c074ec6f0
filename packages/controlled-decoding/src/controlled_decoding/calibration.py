"""From margins to log-odds: Platt scaling, and how well calibrated the result is."""

from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit
from scipy.stats import mannwhitneyu

MIN_PER_CLASS = 8


class LogOdds(NamedTuple):
    """A line from margins to log-odds of the desired class, in nats."""

    slope: float
    intercept: float

    def __call__(self, margins: np.ndarray) -> np.ndarray:
        return self.slope * margins + self.intercept


def auc(margins: np.ndarray, labels: np.ndarray) -> float:
    """Probability that a desired text has a larger margin than an undesired one (ties count half)."""
    desired, undesired = margins[labels == 1], margins[labels == 0]
    return float(mannwhitneyu(desired, undesired).statistic / (len(desired) * len(undesired)))


def auc_interval(value: float, num_desired: int, num_undesired: int) -> tuple[float, float]:
    """95 % interval of an AUC by the normal approximation of Hanley and McNeil 1982."""
    first, second = value / (2 - value), 2 * value**2 / (1 + value)
    variance = value * (1 - value) + (num_desired - 1) * (first - value**2) + (num_undesired - 1) * (second - value**2)
    half = 1.96 * (max(variance, 0.0) / (num_desired * num_undesired)) ** 0.5
    return max(0.0, value - half), min(1.0, value + half)


def negative_log_likelihood(log_odds: np.ndarray, labels: np.ndarray) -> float:
    """Mean over texts of -log P(label), in nats, both classes weighing the same."""
    return float((_class_weights(labels) * np.logaddexp(0.0, -np.where(labels == 1, log_odds, -log_odds))).sum())


def fit_log_odds(margins: np.ndarray, labels: np.ndarray) -> LogOdds:
    """Maximum-likelihood slope and intercept under equal priors.

    LDA's own log-odds are about twice too confident on held-out text; one slope mends that. The slope is never
    negative: a subspace that points the wrong way steers nothing.

    Source: Platt 1999, with his smoothed targets (N + 1) / (N + 2), which keep the slope finite where the classes are
        perfectly separated.
    """
    counts = np.bincount(labels, minlength=2)
    weights = _class_weights(labels)
    target = np.where(labels == 1, (counts[1] + 1) / (counts[1] + 2), 1 / (counts[0] + 2))
    scale = float(margins.std()) or 1.0

    def loss(line: np.ndarray) -> float:
        log_odds = line[0] * margins / scale + line[1]
        return float((weights * (np.logaddexp(0.0, log_odds) - target * log_odds)).sum())

    slope, intercept = minimize(loss, x0=np.array([1.0, 0.0]), method="L-BFGS-B", bounds=[(0.0, None), (None, None)]).x
    return LogOdds(float(slope) / scale, float(intercept))


def cross_fitted_log_odds(margins: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Log-odds of every text under a line fitted on the other half of the texts (halves alternate within each
    class).
    """
    half = np.empty(len(labels), dtype=int)
    for label in (0, 1):
        half[labels == label] = np.arange((labels == label).sum()) % 2
    result = np.empty(len(labels))
    for part in (0, 1):
        result[half == part] = fit_log_odds(margins[half != part], labels[half != part])(margins[half == part])
    return result


def expected_calibration_error(log_odds: np.ndarray, labels: np.ndarray, num_bins: int = 10) -> float:
    """Mean gap between predicted and actual share of desired texts over bins of equally many texts."""
    order = np.argsort(log_odds)
    gaps = [
        len(rows) * abs(expit(log_odds[rows]).mean() - labels[rows].mean())
        for rows in np.array_split(order, num_bins)
        if len(rows)
    ]
    return float(sum(gaps) / len(labels))


def _class_weights(labels: np.ndarray) -> np.ndarray:
    counts = np.bincount(labels, minlength=2)
    return 0.5 / counts[labels]
