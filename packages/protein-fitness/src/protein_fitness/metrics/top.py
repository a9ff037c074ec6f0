"""How well scores find the best mutants: NDCG and recall of the top tenth."""

import numpy as np
from jaxtyping import Float

from protein_fitness.metrics.measure import Measure, no_measure, reason_against

_TENTH = 10
"""One in as many is at the top."""


def ndcg(scores: Float[np.ndarray, " mutants"], labels: Float[np.ndarray, " mutants"]) -> Measure:
    """Normalised discounted cumulative gain at the top tenth.

    The gain of a mutant is its label, brought to 0..1 by least and greatest. With ``k = floor(mutants / 10)`` the
    gains of the k best by score, each over ``log2(rank + 1)``, are summed and divided by the same sum for the k best by
    label.

    Args:
        scores: NaN where there is none.
        labels: NaN where there is none.

    Returns:
        NaN with fewer than 10 mutants or labels all the same.

    Source: ProteinGym. Differs where scores tie: each of them counts with the mean gain of the tie, as in scikit-learn;
        there it is by chance of the sorting which come first, and a table sorted by label would tell the answer.
    """
    scores, labels = _known(scores, labels)
    if reason := reason_against(labels, "label"):
        return no_measure(reason)
    gains = (labels - labels.min()) / np.ptp(labels)
    discounts = 1 / np.log2(np.arange(len(gains) // _TENTH) + 2)
    best = np.sort(gains)[::-1][: len(discounts)]
    return Measure(value=float(discounts @ _by_score(scores, gains)[: len(discounts)] / (discounts @ best)))


def top_recall(scores: Float[np.ndarray, " mutants"], labels: Float[np.ndarray, " mutants"]) -> Measure:
    """The share of the mutants in the assay's top tenth that are in the model's.

    In the top tenth is what lies above the 90th percentile (linear between values), the percentile itself not.

    Args:
        scores: NaN where there is none.
        labels: NaN where there is none.

    Returns:
        NaN with fewer than 10 mutants or where no label lies above the percentile, as when a tenth share the greatest.
        0 where that is so of the scores.
    """
    scores, labels = _known(scores, labels)
    if reason := reason_against(labels, "label"):
        return no_measure(reason)
    fit, said = (values > np.percentile(values, 100 - 100 / _TENTH) for values in (labels, scores))
    if not fit.any():
        return no_measure(f"a tenth or more of the {len(labels)} mutants share the greatest label, {labels.max():g}.")
    return Measure(value=float((fit & said).sum() / fit.sum()))


def _known(scores: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    both = ~(np.isnan(scores) | np.isnan(labels))
    return scores[both], labels[both]


def _by_score(scores: np.ndarray, gains: np.ndarray) -> np.ndarray:
    """Gains from the best score down, each the mean of those of its tie."""
    _, tie, size = np.unique(-scores, return_inverse=True, return_counts=True)
    return np.repeat(np.bincount(tie, weights=gains) / size, size)
