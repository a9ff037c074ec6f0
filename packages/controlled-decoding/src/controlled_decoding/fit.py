"""Fitting a subspace in closed form, from texts streamed through the model once.

Source: SASA (arXiv 2410.03818) fits the Bayes rule of two Gaussians with a common covariance on last-token states.
Differs: states of unfinished text are fitted too (see :mod:`controlled_decoding.reading`); the covariance is shrunk
(Ledoit-Wolf) by default, because the authors' pseudo-inverse over-fits until there are several times more texts than
dimensions; moments are streamed in float64, so that memory does not grow with the data; the margin is calibrated to
log-odds on held-out texts.
"""

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from controlled_decoding import calibration
from controlled_decoding.hidden_state import HiddenSite, depth_of, embed
from controlled_decoding.labelled_text import LabelledTexts
from controlled_decoding.reading import (
    CLASS_NAMES,
    Reading,
    States,
    check_classes,
    collect_states,
    tokens_and_positions,
)
from controlled_decoding.subspace import FitReport, SubspaceClassifier
from gpu_commons import ClassMoments, model_fingerprint, solve_spd, tokenizer_fingerprint

logger = logging.getLogger(__name__)
Solver = Literal["ledoit_wolf", "pinv"]


class Direction(NamedTuple):
    """Un-normalised Fisher direction ``Sigma^-1 (mu+ - mu-)``, the rank that was used and the shrinkage intensity if
    any.
    """

    weight: Float[Tensor, " hidden"]
    rank: int
    shrinkage: float | None


@dataclass(frozen=True, kw_only=True)
class SweepRow:
    """Held-out quality of one layer: on whole texts, and on texts cut after one of their tokens."""

    layer: int
    normed: bool
    auc: float
    auc_unfinished: float


def fit_subspace(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    data: LabelledTexts,
    *,
    attribute: str = "toxicity",
    layer: int = -1,
    normed: bool | None = None,
    solver: Solver = "ledoit_wolf",
    rcond: float = 1e-6,
    **reading: Any,
) -> SubspaceClassifier:
    """Fit the hyperplane between desired and undesired texts.

    Args:
        data: Texts with label 1 (desired) or 0 (undesired), optionally with prompts and groups.
        attribute: Name of what the undesired texts show.
        layer: Decoder block whose output is read, from the end if negative.
        normed: After the final norm; default yes at the last layer.
        solver: "ledoit_wolf" shrinks the pooled covariance; "pinv" is the authors' pseudo-inverse.
        rcond: Eigenvalues of the covariance below this (absolute) are dropped by "pinv".
        reading: Fields of :class:`controlled_decoding.reading.Reading`.

    Raises:
        ValueError: If a class has fewer than 8 rows on either side of the split, a text is empty, or a state is not
            finite.
    """
    how = Reading(**reading)
    states = collect_states(model, tokenizer, data, [HiddenSite.of(model, layer, normed=normed)], how)
    facts = {
        "render": "chat" if how.chat else "raw",
        "unfinished": how.unfinished,
        "model_name": _public_name(model),
        "data_sha256": _data_fingerprint(data),
        "holdout": how.holdout,
        "seed": how.seed,
        "max_length": how.max_length,
    }
    subspace = subspace_from_states(states, solver=solver, rcond=rcond, attribute=attribute, facts=facts)
    return replace(subspace, model=model_fingerprint(model), tokenizer=tokenizer_fingerprint(tokenizer))


def subspace_from_states(
    states: States,
    *,
    solver: Solver = "ledoit_wolf",
    rcond: float = 1e-6,
    attribute: str,
    facts: Mapping[str, Any] | None = None,
) -> SubspaceClassifier:
    """The hyperplane at the first site of states that were collected once, so that solvers can be compared on the same
    texts.
    """
    direction = _solve(states.moments[0], solver, rcond)
    weight, midpoint = _unit(direction.weight), states.moments[0].means.mean(0)
    whole, unfinished = (_margins(held[0], weight, midpoint) for held in (states.whole, states.unfinished))
    log_odds = calibration.fit_log_odds(unfinished, states.labels)
    if not log_odds.slope:
        logger.warning(
            "on texts that are cut short the margins say nothing of the label (AUC %.2f), so that steering by log-odds "
            "will change nothing; take texts that show their label before the last word, or fit with `unfinished=0`.",
            calibration.auc(unfinished, states.labels),
        )
    return SubspaceClassifier(
        weight=weight.float(),
        midpoint=midpoint.float(),
        attribute=attribute,
        site=states.sites[0],
        slope=log_odds.slope,
        intercept=log_odds.intercept,
        report=_report(whole, unfinished, states.labels, states.moments[0], direction),
        provenance={"solver": solver, **(facts or {})},
    )


def layer_sweep(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    data: LabelledTexts,
    *,
    layers: Sequence[int] | None = None,
    **reading: Any,
) -> list[SweepRow]:
    """Held-out AUC of the shrunk direction at several layers, all read in the same forward passes.

    A good separation of whole texts at an early layer does not make it a good steering layer: margins of early layers
    hardly correlate with the last layer's over candidate tokens.

    Args:
        layers: Layers to try; by default eight spread over the depth, and the last one.
        reading: Fields of :class:`controlled_decoding.reading.Reading`.
    """
    depth = depth_of(model)
    wanted = sorted({*range(max(1, depth // 8), depth, max(1, depth // 8)), depth}) if layers is None else layers
    states = collect_states(
        model, tokenizer, data, [HiddenSite.of(model, layer) for layer in wanted], Reading(**reading)
    )
    rows = []
    for place, site in enumerate(states.sites):
        moments = states.moments[place]
        weight, midpoint = _unit(_solve(moments, "ledoit_wolf", 0.0).weight), moments.means.mean(0)
        whole, unfinished = (
            calibration.auc(_margins(held[place], weight, midpoint), states.labels)
            for held in (states.whole, states.unfinished)
        )
        rows.append(SweepRow(layer=site.layer, normed=site.normed, auc=whole, auc_unfinished=unfinished))
    return rows


def calibrate_subspace(
    subspace: SubspaceClassifier, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, data: LabelledTexts
) -> SubspaceClassifier:
    """The same hyperplane with log-odds re-calibrated on other labelled texts (another domain, say), each cut after
    one of its tokens as the sampler meets them, or whole if the subspace was fitted on whole texts alone.

    Raises:
        ValueError: If a class has fewer than 8 rows.
    """
    labels = np.asarray(data.labels)
    check_classes(labels, "for calibration")
    subspace.check(model, tokenizer)
    is_cut = subspace.provenance.get("unfinished") != 0
    how = Reading(chat=subspace.provenance.get("render") == "chat")
    tokens, positions = tokens_and_positions(tokenizer, data, how, [int(is_cut)] * len(data))
    margins = np.empty(len(data))
    for rows, (hidden,) in embed(model, tokens, [subspace.site], positions=[read[:1] for read in positions]):
        margins[rows] = subspace.margins(hidden).cpu().numpy()
    return subspace.calibrated(*calibration.fit_log_odds(margins, labels))


def _margins(
    hidden: Float[Tensor, "texts hidden"], weight: Float[Tensor, " hidden"], midpoint: Float[Tensor, " hidden"]
) -> np.ndarray:
    return (hidden.double() @ weight - midpoint @ weight).numpy()


def _solve(moments: ClassMoments, solver: Solver, rcond: float) -> Direction:
    difference = moments.means[1] - moments.means[0]
    total = int(moments.count.sum())
    if solver == "ledoit_wolf":
        covariance, intensity = moments.ledoit_wolf()
        return Direction(solve_spd(covariance, difference), len(difference), intensity)
    if solver != "pinv":
        raise ValueError(f"`solver` must be 'ledoit_wolf' or 'pinv', got {solver!r}.")
    if total < 2 * len(difference):
        logger.warning("pinv over-fits with %d texts at width %d; use solver='ledoit_wolf'.", total, len(difference))
    values, vectors = torch.linalg.eigh(moments.pooled_scatter() / (total - 2))
    kept = values > rcond
    weight = vectors[:, kept] @ ((vectors[:, kept].T @ difference) / values[kept])
    return Direction(weight, int(kept.sum()), None)


def _report(
    whole: np.ndarray, unfinished: np.ndarray, labels: np.ndarray, moments: ClassMoments, direction: Direction
) -> FitReport:
    log_odds = calibration.cross_fitted_log_odds(unfinished, labels)
    area = calibration.auc(whole, labels)
    quantiles = (0.05, 0.25, 0.5, 0.75, 0.95)
    num_undesired, num_desired = np.bincount(labels, minlength=2).tolist()
    return FitReport(
        auc=area,
        auc_interval=calibration.auc_interval(area, num_desired, num_undesired),
        auc_unfinished=calibration.auc(unfinished, labels),
        accuracy=float(((calibration.cross_fitted_log_odds(whole, labels) > 0) == (labels == 1)).mean()),
        ece=calibration.expected_calibration_error(log_odds, labels),
        nll=calibration.negative_log_likelihood(log_odds, labels),
        num_fitted=(int(moments.count[0]), int(moments.count[1])),
        num_holdout=(num_undesired, num_desired),
        rank=direction.rank,
        shrinkage=direction.shrinkage,
        margin_quantiles={
            name: np.quantile(whole[labels == c], quantiles).tolist() for c, name in enumerate(CLASS_NAMES)
        },
    )


def _unit(weight: Tensor) -> Tensor:
    norm = weight.norm()
    if not torch.isfinite(norm) or norm == 0:
        raise ValueError("the class means coincide, so there is no direction between them; check the labels.")
    return weight / norm


def _data_fingerprint(data: LabelledTexts) -> str:
    digest = hashlib.sha256()
    for text, label in zip(data.texts, data.labels, strict=True):
        digest.update(f"{label}\0{text}\0".encode())
    return digest.hexdigest()[:16]


def _public_name(model: PreTrainedModel) -> str:
    """The hub id, or the last part of a folder: no path of the user's machine goes into an artifact."""
    return str(model.config.name_or_path or model.config.model_type).rstrip("/").split("/")[-1]
