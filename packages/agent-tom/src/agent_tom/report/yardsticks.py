"""What every table should have beside the agents of a study: the best play, random play and a learner."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import groupby

from agent_tom.agents.registry import make_agent
from agent_tom.playing.episodes import play
from agent_tom.study.curves import LEARNER
from agent_tom.study.played import PlayedCell

YARDSTICKS = ("oracle", "uniform", LEARNER)


def with_yardsticks(cells: Iterable[PlayedCell]) -> Iterator[PlayedCell]:
    """Cells of a study, in its order; yardsticks that it lacks are played on the spot, with the same draws.

    There is no best play against a partner without an automaton.
    """
    for _, group in groupby(cells, key=lambda played: (played.cell.names["game"], played.cell.names["partner"])):
        there = list(group)
        names = {played.cell.names["agent"] for played in there}
        yield from there
        lacking = [name for name in YARDSTICKS if name not in names]
        yield from (_played(there[0], name) for name in lacking if there[0].solution or not make_agent(name).informed)


def _played(beside: PlayedCell, agent: str) -> PlayedCell:
    cell = replace(beside.cell, agent=agent)
    episodes = play(
        beside.game,
        beside.partner,
        make_agent(agent),
        horizon=cell.horizon,
        episodes=beside.episodes.numbers.tolist(),
        seed=cell.seed,
        solution=beside.solution,
    )
    return replace(beside, cell=cell, episodes=episodes)
