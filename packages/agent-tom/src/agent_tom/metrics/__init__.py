"""What an agent knows, what it loses, and what lies between."""

from agent_tom.metrics.believed import (
    coherence,
    fitted_rule,
    myopic_believed_regret,
    planned_believed_regret,
    plans_from,
)
from agent_tom.metrics.functional import advantage_regret, myopic_regret, path_regret
from agent_tom.metrics.intervals import EpisodeBootstrap, Interval
from agent_tom.metrics.literal import literal_metrics, true_dists
from agent_tom.metrics.summary import WINDOW, EpisodeMeasures, measure

__all__ = [
    "WINDOW",
    "EpisodeBootstrap",
    "EpisodeMeasures",
    "Interval",
    "advantage_regret",
    "coherence",
    "fitted_rule",
    "literal_metrics",
    "measure",
    "myopic_believed_regret",
    "myopic_regret",
    "path_regret",
    "planned_believed_regret",
    "plans_from",
    "true_dists",
]
