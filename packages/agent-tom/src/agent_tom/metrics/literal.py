"""Literal theory of mind: does the agent know what its partner will do?"""

import numpy as np
from jaxtyping import Float

from agent_tom.games.matrix_game import greedy
from agent_tom.partners.automaton import Automaton
from agent_tom.partners.black_box import BlackBoxPartner
from agent_tom.playing.episodes import Episodes

_LEAST = 1e-12


def literal_metrics(
    partner: Automaton | BlackBoxPartner, episodes: Episodes
) -> dict[str, Float[np.ndarray, "episodes rounds"]]:
    """How good predictions are, episode by round; empty for an agent that makes none.

    Returns:
        ``accuracy``: whether the likeliest move came, shared evenly among equally likely ones (the paper's "ToM %");
        ``nll`` in nats; ``brier``: squared distance to what came. Where the partner's true distribution is known also
        ``accuracy_ceiling``: what a perfect predictor could reach, below 1 if the partner draws lots; ``tv``: total
        variation distance from that distribution.
    """
    if episodes.predictions is None:
        return {}
    predicted, truth = episodes.predictions, true_dists(partner, episodes)
    came = np.eye(predicted.shape[-1])[episodes.partner_actions]
    found = {
        "accuracy": (greedy(predicted) * came).sum(-1),
        "nll": -np.log(np.maximum((predicted * came).sum(-1), _LEAST)),
        "brier": np.square(predicted - came).sum(-1),
    }
    if truth is not None:
        found |= {"accuracy_ceiling": truth.max(-1), "tv": np.abs(predicted - truth).sum(-1) / 2}
    return found


def true_dists(
    partner: Automaton | BlackBoxPartner, episodes: Episodes
) -> Float[np.ndarray, "episodes rounds partner_actions"] | None:
    """From which the partner's actions were drawn; None of a black-box partner that draws itself."""
    return partner.action_dist[episodes.states] if isinstance(partner, Automaton) else episodes.partner_dists
