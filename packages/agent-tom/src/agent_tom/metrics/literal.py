"""Literal theory of mind: does the agent know what its partner will do?"""

import numpy as np
from jaxtyping import Float

from agent_tom.games.matrix_game import greedy
from agent_tom.partners.automaton import Automaton
from agent_tom.playing.episodes import Episodes

_LEAST = 1e-12


def literal_metrics(partner: Automaton, episodes: Episodes) -> dict[str, Float[np.ndarray, "episodes rounds"]]:
    """How good predictions are, episode by round; empty for an agent that makes none.

    Returns:
        ``accuracy``: whether the likeliest move came, shared evenly among equally likely ones (the paper's "ToM %");
        ``accuracy_ceiling``: what a perfect predictor could reach, below 1 if the partner draws lots; ``nll`` in nats;
        ``brier``: squared distance to what came; ``tv``: total variation distance from the partner's true distribution.
    """
    if episodes.predictions is None:
        return {}
    predicted, truth = episodes.predictions, partner.action_dist[episodes.states]
    came = np.eye(partner.num_partner_actions)[episodes.partner_actions]
    return {
        "accuracy": (greedy(predicted) * came).sum(-1),
        "accuracy_ceiling": truth.max(-1),
        "nll": -np.log(np.maximum((predicted * came).sum(-1), _LEAST)),
        "brier": np.square(predicted - came).sum(-1),
        "tv": np.abs(predicted - truth).sum(-1) / 2,
    }
