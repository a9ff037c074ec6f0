"""ProteinGym's five metrics together."""

import numpy as np
from jaxtyping import Float
from scipy.stats import spearmanr

from protein_fitness.metrics.classes import auc, mcc
from protein_fitness.metrics.measure import Measure, no_measure, reason_against
from protein_fitness.metrics.top import ndcg, top_recall

METRICS = ("Spearman", "AUC", "MCC", "NDCG", "Top_recall")


def five_metrics(
    scores: Float[np.ndarray, " mutants"],
    labels: Float[np.ndarray, " mutants"],
    classes: Float[np.ndarray, " mutants"] | None,
    *,
    cut: float | int | None = None,
) -> dict[str, Measure]:
    """Each of ``METRICS`` over the mutants that have a score and what the metric asks for.

    Args:
        scores: NaN where there is none.
        labels: What was measured; NaN where nothing was.
        classes: As for :func:`protein_fitness.metrics.classes.auc`; None if the assay has none.
        cut: As for :func:`protein_fitness.metrics.classes.mcc`.
    """
    if classes is None:
        missing = no_measure("the assay has no classes (DMS_score_bin), and they are not made of its labels.")
        by_class = {"AUC": missing, "MCC": missing}
    else:
        by_class = {"AUC": auc(scores, classes), "MCC": mcc(scores, classes, cut=cut)}
    return {
        "Spearman": _rank_correlation(scores, labels),
        **by_class,
        "NDCG": ndcg(scores, labels),
        "Top_recall": top_recall(scores, labels),
    }


def _rank_correlation(scores: np.ndarray, labels: np.ndarray) -> Measure:
    """Spearman's, without the interval, which takes a thousand times as long."""
    both = ~(np.isnan(scores) | np.isnan(labels))
    for values, name in ((labels[both], "label"), (scores[both], "score")):
        if reason := reason_against(values, name):
            return no_measure(reason)
    return Measure(value=float(spearmanr(scores[both], labels[both])[0]))
