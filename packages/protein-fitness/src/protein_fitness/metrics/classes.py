"""How well scores tell the fit from the unfit: AUC and MCC, by the classes that an assay brings with it."""

import numpy as np
from jaxtyping import Float
from scipy.stats import rankdata

from protein_fitness.metrics.measure import Measure, no_measure, reason_against


def auc(scores: Float[np.ndarray, " mutants"], classes: Float[np.ndarray, " mutants"]) -> Measure:
    """The chance that a fit mutant scores above an unfit one, ties counting half: the area under the ROC curve.

    Args:
        scores: NaN where there is none.
        classes: 1 for fit, 0 for unfit, NaN where it is not known; given with the assay, never made of its labels here.

    Returns:
        NaN with fewer than 10 mutants or one class. All scores the same give one half.

    Raises:
        ValueError: If a class is neither 0 nor 1.
    """
    scores, classes = _known(scores, classes)
    if reason := reason_against(classes, "class"):
        return no_measure(reason)
    fit = classes == 1
    above = rankdata(scores)[fit].sum() - fit.sum() * (fit.sum() + 1) / 2
    return Measure(value=float(above / (fit.sum() * (~fit).sum())))


def mcc(
    scores: Float[np.ndarray, " mutants"], classes: Float[np.ndarray, " mutants"], *, cut: float | int | None = None
) -> Measure:
    """Matthews' correlation of the classes with "scores at least the cut".

    ``(tp tn - fp fn) / sqrt((tp + fp)(tp + fn)(tn + fp)(tn + fn))``

    Args:
        scores: NaN where there is none.
        classes: As for :func:`auc`.
        cut: The median of the scores if absent. ProteinGym takes that of the whole assay for each part of it too.

    Returns:
        NaN with fewer than 10 mutants or one class. Scores that are all on one side of the cut give 0, as in
        scikit-learn.

    Raises:
        ValueError: If a class is neither 0 nor 1.
    """
    scores, classes = _known(scores, classes)
    if reason := reason_against(classes, "class"):
        return no_measure(reason)
    said, fit = scores >= (np.median(scores) if cut is None else cut), classes == 1
    if said.all() or not said.any():
        return Measure(value=0.0)
    return Measure(value=float(np.corrcoef(said, fit)[0, 1]))  # of two yes-or-no variables: the same number


def _known(scores: np.ndarray, classes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    both = ~(np.isnan(scores) | np.isnan(classes))
    if odd := sorted(set(classes[both].tolist()) - {0.0, 1.0}):
        raise ValueError(f"a class is {odd[0]:g}; each must be 0 (unfit) or 1 (fit).")
    return scores[both], classes[both]
