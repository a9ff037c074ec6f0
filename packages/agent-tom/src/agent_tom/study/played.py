"""Finished cells with what is known of their game and partner."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Float

from agent_tom.games.matrix_game import MatrixGame
from agent_tom.metrics.functional import advantage_regret
from agent_tom.metrics.summary import EpisodeMeasures, measure
from agent_tom.oracle.best_response import BestResponse
from agent_tom.partners.automaton import Automaton
from agent_tom.partners.black_box import BlackBoxPartner
from agent_tom.playing.episodes import Episodes
from agent_tom.study.folder import finished_cells
from agent_tom.study.plan import Cell
from agent_tom.study.records import read_cell
from agent_tom.study.setting import setting_of


@dataclass(frozen=True, kw_only=True, eq=False)
class PlayedCell:
    """One agent against one partner in one game, played.

    Attributes:
        cell: What was to be played.
        episodes: What happened.
        game: In which.
        partner: Against whom.
        solution: The best play; None where the partner has no automaton.
    """

    cell: Cell
    episodes: Episodes
    game: MatrixGame
    partner: Automaton | BlackBoxPartner
    solution: BestResponse | None

    @cached_property
    def measures(self) -> EpisodeMeasures:
        """All of them, by episode."""
        return measure(self.game, self.partner, self.episodes, seed=self.cell.seed, solution=self.solution)

    @cached_property
    def regret(self) -> Float[np.ndarray, "episodes rounds"] | None:
        """Loss of each move against the best play; against a black-box partner what its reference return has more than
        the round earned, and None if it has none.
        """
        if self.solution is not None:
            return advantage_regret(self.solution, self.episodes)
        assert isinstance(self.partner, BlackBoxPartner)
        reference = self.partner.reference_return
        return None if reference is None else reference - self.episodes.payoffs


def played_cells(folder: str | Path) -> Iterator[PlayedCell]:
    """Cells of a study that are there, in its order.

    Raises:
        FileNotFoundError: If the folder holds no study.
        ValueError: If a file of it cannot be read.
    """
    for path in finished_cells(folder):
        cell, episodes = read_cell(path)
        game, partner, solution = setting_of(cell)
        yield PlayedCell(cell=cell, episodes=episodes, game=game, partner=partner, solution=solution)
