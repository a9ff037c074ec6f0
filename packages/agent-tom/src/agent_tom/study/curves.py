"""How regret grows over the rounds, and when a learner without any prior has lost less.

What a model brings along may help it in the first rounds and keep it from learning in the later ones: its regret is low
at first and goes on growing, while that of a learner stops.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from agent_tom.study.played import PlayedCell

LEARNER = "rmax"
UP_TO = (10, 25, 50, 100)


def cumulative_regret(played: PlayedCell) -> Float[np.ndarray, " rounds"] | None:
    """Lost up to and with each round, the mean over episodes; None where no regret is known."""
    return None if played.regret is None else played.regret.mean(0).cumsum()


def crossover(agent: Sequence[float | int] | np.ndarray, learner: Sequence[float | int] | np.ndarray) -> int | None:
    """The round (from 1) from which on the learner has lost less than the agent; None if it has not in the end.

    Args:
        agent: Cumulative regret by round.
        learner: Likewise.
    """
    behind = np.asarray(agent) <= np.asarray(learner)
    if behind[-1]:
        return None
    before = np.flatnonzero(behind)
    return int(before[-1]) + 2 if len(before) else 1


def horizon_rows(cells: Iterable[PlayedCell]) -> list[dict[str, Any]]:
    """Of each cell with a regret: its names, ``lost_by`` with what was lost up to rounds ``UP_TO`` and the last one,
    and ``crossover``: the round from which ``LEARNER`` has lost less in the same game against the same partner; None
    if it has not, or there is no such agent.
    """
    found = [(played.cell.names, cumulative_regret(played)) for played in cells]
    every = [(names, lost) for names, lost in found if lost is not None]
    learners = {(names["game"], names["partner"]): lost for names, lost in every if names["agent"] == LEARNER}
    rows = []
    for names, lost in every:
        learner = learners.get((names["game"], names["partner"]))
        ends = sorted({*(end for end in UP_TO if end < len(lost)), len(lost)})
        rows.append(
            {
                **names,
                "lost_by": {end: float(lost[end - 1]) for end in ends},
                "crossover": None if learner is None else crossover(lost, learner),
            }
        )
    return rows
