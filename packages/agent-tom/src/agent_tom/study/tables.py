"""Tables of a finished study, and comparisons of its agents."""

from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import ndtri

from agent_tom.metrics.intervals import EpisodeBootstrap
from agent_tom.metrics.summary import EpisodeMeasures
from agent_tom.study.played import PlayedCell, played_cells

COLUMNS = (
    "payoff",
    "accuracy",
    "regret",
    "believed_regret",
    "gap",
    "planned",
    "normalised",
    "regret_of_last_rounds",
    "coherence",
    "legal_mass",
)
_FLIPS = 10_000


def table(folder: str | Path, *, resamples: int = 10_000) -> list[dict[str, Any]]:
    """A row for each cell of a study; see :func:`table_row`."""
    return [table_row(played, resamples=resamples) for played in played_cells(folder)]


def table_row(played: PlayedCell, *, resamples: int = 10_000) -> dict[str, Any]:
    """Names of a cell, how regret and believed regret were computed, and each measure of ``COLUMNS`` as a triple of
    mean, low and high; None where the agent makes no predictions, none of its plans can be followed, it cannot but make
    a legal move, or too little is known of the partner.
    """
    found = played.measures.intervals(resamples=resamples)
    triples = {name: found.get(name) for name in COLUMNS}
    return {
        **played.cell.names,
        "estimator": played.measures.estimator,
        "believed": played.measures.believed,
        **{
            name: None if triple is None or np.isnan(triple.value) else list(triple) for name, triple in triples.items()
        },
    }


def compare(folder: str | Path, agent: str, other: str, *, name: str = "regret", seed: int = 0) -> list[dict[str, Any]]:
    """One agent less another, episode by episode on the same draws of the partner, in each game against each partner.

    Args:
        folder: Of the study.
        agent: As the table names it.
        other: Likewise.
        name: The measure.
        seed: Of the draws.

    Returns:
        Rows with the mean difference and its interval, ``p`` (sign flips, two-sided), ``p_holm`` corrected for the
        number of rows, and ``detectable``: the difference that so many episodes find four times in five.

    Raises:
        ValueError: If an agent is not in the study, or a cell lacks the measure; there is no regret against a black-box
            partner without a reference return.
    """
    by_setting: dict[tuple[str, str], dict[str, EpisodeMeasures]] = {}
    for played in played_cells(folder):
        names = played.cell.names
        by_setting.setdefault((names["game"], names["partner"]), {})[names["agent"]] = played.measures
    rows: list[dict[str, Any]] = []
    for (game, partner), agents in by_setting.items():
        for one in (agent, other):
            if one not in agents:
                raise ValueError(f"agent {one!r} is not in the study; it has {', '.join(agents)}.")
            if name in ("regret", "path_regret") and not agents[one].estimator:
                raise ValueError(
                    f"there is no regret against {partner!r} in {game}: the best play is not known, and no reference "
                    "return is declared; set `reference_return` of the partner, or compare 'payoff'."
                )
            if name not in agents[one].values:
                raise ValueError(f"agent {one!r} has no {name!r}; it has {', '.join(agents[one].values)}.")
        difference = agents[agent].values[name] - agents[other].values[name]
        there = np.isfinite(difference)
        kept = difference[there]
        found = EpisodeBootstrap(agents[agent].strata[there], seed=seed).mean(kept)
        spread = kept.std(ddof=1) / np.sqrt(len(kept)) if len(kept) > 1 else np.nan
        rows.append(
            {
                "game": game,
                "partner": partner,
                "difference": found.value,
                "low": found.low,
                "high": found.high,
                "p": sign_flip_p(kept, seed),
                "detectable": float((ndtri(0.975) + ndtri(0.8)) * spread),
            }
        )
    for row, corrected in zip(rows, holm([row["p"] for row in rows]), strict=True):
        row["p_holm"] = corrected
    return rows


def sign_flip_p(differences: np.ndarray, seed: int) -> float:
    """How often flipped signs make a mean at least as far from 0; 1 if there is nothing to flip."""
    if not len(differences) or not differences.any():
        return 1.0
    signs = np.random.default_rng(seed).choice((-1.0, 1.0), size=(_FLIPS, len(differences)))
    as_far = np.abs(signs @ differences) >= abs(differences.sum()) * (1 - 1e-12)
    return float((as_far.sum() + 1) / (_FLIPS + 1))


def holm(values: list[float]) -> list[float]:
    """p-values corrected for their number (Holm 1979)."""
    order = np.argsort(values)
    factors = np.arange(len(values), 0, -1)
    corrected = np.minimum(np.maximum.accumulate(np.array(values)[order] * factors), 1)
    found = np.empty(len(values))
    found[order] = corrected
    return found.tolist()
