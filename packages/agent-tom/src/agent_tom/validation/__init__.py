"""What must come out if this package is right: known truths, published regrets, and thresholds of ours."""

from agent_tom.validation.cells import GAMES, HORIZON
from agent_tom.validation.claims import EPISODES, tabular_figures

__all__ = ["EPISODES", "GAMES", "HORIZON", "tabular_figures"]
