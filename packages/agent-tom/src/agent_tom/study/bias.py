"""What a language model prefers whatever it is worth: some labels, some places in the list of options."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from agent_tom.agents.language_model import LanguageModelAgent
from agent_tom.agents.registry import make_agent
from agent_tom.prompts.labelling import Labelling, labelling
from agent_tom.prompts.library import wording
from agent_tom.study.played import PlayedCell


def bias_rows(cells: Iterable[PlayedCell]) -> list[dict[str, Any]]:
    """Of each cell of a language model, twice: by the label of an option, and by its place in the list (from 1).

    ``chosen`` has the mean probability that the agent gave each of them, which is the same for all of an agent without
    such a preference; ``even`` is that share. ``spread`` is the largest less the smallest mean regret of episodes that
    name the options in one way, or list them in one way. Labels of a wording that keeps the game's own names are not
    permuted, so they stand for the moves themselves and have no spread.
    """
    rows = []
    for played in cells:
        agent = make_agent(played.cell.agent)
        if not isinstance(agent, LanguageModelAgent):
            continue
        labels = wording(agent.wording).labels
        designs = [labelling(played.game, labels, number) for number in played.episodes.numbers.tolist()]
        regret = None if played.regret is None else played.regret.mean(-1)
        shares = played.episodes.action_dists.mean(1)
        for by, order, names in (("label", _names_of, sorted(designs[0].own)), ("place", _places_of, None)):
            options = names or [str(place + 1) for place in range(played.game.num_actions)]
            chosen = np.zeros(len(options))
            for row, design in zip(shares, designs, strict=True):
                chosen[[options.index(option) for option in order(design)]] += row / len(designs)
            rows.append(
                {
                    **played.cell.names,
                    "by": by,
                    "chosen": dict(zip(options, chosen.tolist(), strict=True)),
                    "even": 1 / len(options),
                    "spread": None if regret is None else _spread(regret, [order(design) for design in designs]),
                }
            )
    return rows


def _names_of(design: Labelling) -> tuple[str, ...]:
    """Labels by action."""
    return design.own


def _places_of(design: Labelling) -> tuple[str, ...]:
    """Places in the list by action."""
    return tuple(str(design.listed.index(action) + 1) for action in range(len(design.listed)))


def _spread(regret: np.ndarray, groups: list[tuple[str, ...]]) -> float | None:
    """Between the means of groups; None if there is only one."""
    means = [np.mean([lost for lost, group in zip(regret, groups, strict=True) if group == one]) for one in set(groups)]
    return float(max(means) - min(means)) if len(means) > 1 else None
