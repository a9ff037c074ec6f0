"""Fitting a subspace in closed form, from texts streamed through the model once.

Source: SASA (arXiv 2410.03818) fits the Bayes rule of two Gaussians with a common covariance on last-token states.
Differs: the covariance is shrunk (Ledoit-Wolf) by default, because the authors' pseudo-inverse over-fits until there
are several times more texts than dimensions; moments are streamed in float64, so that memory does not grow with the
data; the margin is calibrated to log-odds on held-out texts.
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
from controlled_decoding.hidden_state import HiddenSite, depth_of, embed, render
from controlled_decoding.labelled_text import LabelledTexts
from controlled_decoding.subspace import FitReport, SubspaceClassifier
from gpu_commons import ClassMoments, model_fingerprint, solve_spd, tokenizer_fingerprint

logger = logging.getLogger(__name__)
Solver = Literal["ledoit_wolf", "pinv"]
MAX_HOLDOUT_PER_CLASS = 2048
CLASS_NAMES = ("undesired", "desired")


class Direction(NamedTuple):
    """Un-normalised Fisher direction ``Sigma^-1 (mu+ - mu-)``, the rank that was used and the shrinkage intensity if
    any.
    """

    weight: Float[Tensor, " hidden"]
    rank: int
    shrinkage: float | None


@dataclass(frozen=True, kw_only=True)
class SweepRow:
    """Held-out quality of one layer."""

    layer: int
    normed: bool
    auc: float
    accuracy: float


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How labelled texts are read and split.

    Attributes:
        chat: Render prompt and text through the chat template instead of raw concatenation.
        holdout: Share of each class (of the groups, if there are any) kept for the report and the calibration.
        seed: Of the split.
        batch_tokens: Padded tokens in a forward pass.
        max_length: Tokens of a text that are read.
    """

    chat: bool = False
    holdout: float = 0.2
    seed: int = 0
    batch_tokens: int = 4096
    max_length: int = 1024


class States(NamedTuple):
    """What a fit needs of the texts: for each site the moments of the fitted rows and the states of the held-out ones,
    whose labels follow.
    """

    sites: Sequence[HiddenSite]
    moments: list[ClassMoments]
    held_out: list[Float[Tensor, "holdout hidden"]]
    labels: np.ndarray


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
        reading: Fields of :class:`Reading`.

    Raises:
        ValueError: If a class has fewer than 8 rows on either side of the split, a text is empty, or a state is not
            finite.
    """
    how = Reading(**reading)
    states = collect_states(model, tokenizer, data, [HiddenSite.of(model, layer, normed=normed)], how)
    facts = {
        "render": "chat" if how.chat else "raw",
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
    margins = (states.held_out[0].double() @ weight - midpoint @ weight).numpy()
    log_odds = calibration.fit_log_odds(margins, states.labels)
    return SubspaceClassifier(
        weight=weight.float(),
        midpoint=midpoint.float(),
        attribute=attribute,
        site=states.sites[0],
        slope=log_odds.slope,
        intercept=log_odds.intercept,
        report=_report(margins, states.labels, states.moments[0], direction),
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
        reading: Fields of :class:`Reading`.
    """
    depth = depth_of(model)
    wanted = sorted({*range(max(1, depth // 8), depth, max(1, depth // 8)), depth}) if layers is None else layers
    states = collect_states(
        model, tokenizer, data, [HiddenSite.of(model, layer) for layer in wanted], Reading(**reading)
    )
    rows = []
    for site, moments, held_out in zip(states.sites, states.moments, states.held_out, strict=True):
        weight = _unit(_solve(moments, "ledoit_wolf", 0.0).weight)
        margins = (held_out.double() @ weight - moments.means.mean(0) @ weight).numpy()
        accuracy = float(((margins > 0) == (states.labels == 1)).mean())
        rows.append(
            SweepRow(
                layer=site.layer, normed=site.normed, auc=calibration.auc(margins, states.labels), accuracy=accuracy
            )
        )
    return rows


def calibrate_subspace(
    subspace: SubspaceClassifier, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, data: LabelledTexts
) -> SubspaceClassifier:
    """The same hyperplane with log-odds re-calibrated on other labelled texts (another domain, say).

    Raises:
        ValueError: If a class has fewer than 8 rows.
    """
    _check_classes(np.asarray(data.labels), "for calibration")
    subspace.check(model, tokenizer)
    margins = subspace.text_margins(model, tokenizer, list(data.texts), prompts=data.prompts and list(data.prompts))
    return subspace.calibrated(*calibration.fit_log_odds(margins.double().numpy(), np.asarray(data.labels)))


def collect_states(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    data: LabelledTexts,
    sites: Sequence[HiddenSite],
    how: Reading,
) -> States:
    """Stream every text once: moments of the fitted rows, states of the held-out ones; errors as in
    :func:`fit_subspace`.
    """
    labels = np.asarray(data.labels)
    held_out = data.held_out(how.holdout, seed=how.seed, at_most=MAX_HOLDOUT_PER_CLASS)
    _check_classes(labels[~held_out], "to fit on")
    _check_classes(labels[held_out], "to hold out")
    openings: Sequence[str | None] = data.prompts if data.prompts is not None else [None] * len(labels)
    tokens = [render(tokenizer, text, prompt, chat=how.chat) for text, prompt in zip(data.texts, openings, strict=True)]
    width = model.config.get_text_config().hidden_size
    moments = [ClassMoments(2, width) for _ in sites]
    place = np.cumsum(held_out) - 1
    kept = [torch.empty(int(held_out.sum()), width) for _ in sites]
    for rows, states in embed(model, tokens, sites, batch_tokens=how.batch_tokens, max_length=how.max_length):
        batch = np.asarray(rows)
        train = ~held_out[batch]
        for number, hidden in enumerate(states):
            hidden = hidden.cpu()
            _check_finite(hidden, rows)
            moments[number].update(hidden[train], torch.from_numpy(labels[batch[train]]))
            kept[number][place[batch[~train]]] = hidden[~train]
    return States(sites, moments, kept, labels[held_out])


def _check_finite(hidden: Float[Tensor, "rows hidden"], rows: Sequence[int]) -> None:
    finite = torch.isfinite(hidden).all(-1)
    if not finite.all():
        row = rows[int((~finite).nonzero()[0])]
        raise ValueError(
            f"the embedding of row {row} is NaN or infinite; load the model with --dtype float32, or drop that row."
        )


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


def _report(margins: np.ndarray, labels: np.ndarray, moments: ClassMoments, direction: Direction) -> FitReport:
    log_odds = calibration.cross_fitted_log_odds(margins, labels)
    area = calibration.auc(margins, labels)
    quantiles = (0.05, 0.25, 0.5, 0.75, 0.95)
    return FitReport(
        auc=area,
        auc_interval=calibration.auc_interval(area, int((labels == 1).sum()), int((labels == 0).sum())),
        accuracy=float(((margins > 0) == (labels == 1)).mean()),
        ece=calibration.expected_calibration_error(log_odds, labels),
        nll=calibration.negative_log_likelihood(log_odds, labels),
        num_train=(int(moments.count[0]), int(moments.count[1])),
        num_holdout=(int((labels == 0).sum()), int((labels == 1).sum())),
        rank=direction.rank,
        shrinkage=direction.shrinkage,
        margin_quantiles={
            name: np.quantile(margins[labels == c], quantiles).tolist() for c, name in enumerate(CLASS_NAMES)
        },
    )


def _check_classes(labels: np.ndarray, purpose: str) -> None:
    for label, name in enumerate(CLASS_NAMES):
        count = int((labels == label).sum())
        if count < calibration.MIN_PER_CLASS:
            raise ValueError(
                f"the {name} class (label {label}) has {count} rows {purpose}, "
                f"at least {calibration.MIN_PER_CLASS} are needed; add rows of that class."
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
