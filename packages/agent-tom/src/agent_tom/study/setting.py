"""Game, partner and best play of a cell, which many cells share."""

from functools import lru_cache

import yaml

from agent_tom.games.matrix_game import MatrixGame
from agent_tom.games.registry import make_game
from agent_tom.oracle.best_response import BestResponse, best_response
from agent_tom.partners.automaton import Automaton
from agent_tom.partners.black_box import BlackBoxPartner
from agent_tom.partners.registry import make_partner
from agent_tom.study.plan import Cell


@lru_cache(maxsize=8)
def solved(
    game: str, partner: str, horizon: int
) -> tuple[MatrixGame, Automaton | BlackBoxPartner, BestResponse | None]:
    """A game, a partner in it (given as YAML, so that it can be remembered), and the best play where it is known."""
    played, found = make_game(game), make_partner(yaml.safe_load(partner))
    if isinstance(found, BlackBoxPartner):
        return played, found, None
    automaton = found.automaton(played, horizon)
    return played, automaton, best_response(played, automaton, horizon)


def setting_of(cell: Cell) -> tuple[MatrixGame, Automaton | BlackBoxPartner, BestResponse | None]:
    """Game, partner and best play of a cell."""
    return solved(cell.game, yaml.safe_dump(cell.partner), cell.horizon)
