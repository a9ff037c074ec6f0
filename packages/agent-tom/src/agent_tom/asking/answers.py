"""From scores of labels to probabilities of actions."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from scipy.special import logsumexp

from agent_tom.backends.backend import Backend
from agent_tom.games.matrix_game import greedy

ILLEGAL = ("renormalise", "uniform", "forfeit")


def answered(
    backend: Backend, probes: Sequence[str], labels: Sequence[Sequence[str]], ends: Sequence[str]
) -> Float[np.ndarray, "rows labels"]:
    """Log-probability of each label as a whole answer.

    Args:
        backend: Whose texts go before.
        probes: Lead up to the answer.
        labels: Of each row, as many for all rows.
        ends: What may end an answer.
    """
    options = [[f" {label}{end}" for end in ends for label in row] for row in labels]
    return logsumexp(backend.score(probes, options).reshape(len(probes), len(ends), -1), axis=1)


def shared_out(
    scores: Float[np.ndarray, "rows actions"],
    illegal: str = "renormalise",
    payoffs: Float[np.ndarray, "actions partner_actions"] | None = None,
) -> tuple[Float[np.ndarray, "rows actions"], Float[np.ndarray, " rows"]]:
    """Probabilities of actions, and how much of them was there before the rest was shared out.

    Args:
        scores: Log-probabilities.
        illegal: What becomes of the rest: "renormalise" shares it out in proportion, "uniform" evenly, and "forfeit"
            gives it to the action whose payoff is the lowest on average over the partner's actions, evenly where
            several are. If nothing is there at all, "renormalise" is even too.
        payoffs: Of the actions; needed for "forfeit" alone.
    """
    total = logsumexp(scores, axis=-1, keepdims=True)
    mass = np.exp(total)
    even = np.full_like(scores, 1 / scores.shape[1])
    if illegal == "renormalise":
        none = np.isneginf(total)
        return np.where(none, even, np.exp(scores - np.where(none, 0, total))), mass[:, 0]
    target = even if illegal == "uniform" or payoffs is None else greedy(-payoffs.mean(-1))
    dists = np.exp(scores) + np.clip(1 - mass, 0, None) * target
    return dists / dists.sum(-1, keepdims=True), mass[:, 0]
