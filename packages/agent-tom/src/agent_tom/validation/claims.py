"""All claims about play without a real model."""

from collections.abc import Iterator

from agent_tom.validation.instrument import determinism_figure, instrument_figures
from agent_tom.validation.learners import (
    counting_figures,
    dissociation_figures,
    estimator_figures,
    oracle_figures,
    rmax_figures,
    uniform_figures,
)
from gpu_commons import Figure

EPISODES = 400
_PARTS = (
    oracle_figures,
    uniform_figures,
    rmax_figures,
    counting_figures,
    dissociation_figures,
    estimator_figures,
    instrument_figures,
)


def tabular_figures(episodes: int = EPISODES) -> Iterator[Figure]:
    """Each claim with its value and its threshold, one after the other; a minute or two with all episodes.

    RMax is held to the six published regrets of the paper's tabular agent; all other thresholds are ours. Everything is
    of one fixed seed.

    Args:
        episodes: Of each mean; with fewer than ``EPISODES`` some claims may fail by chance.
    """
    for part in _PARTS:
        yield from part(episodes)
    yield determinism_figure()
