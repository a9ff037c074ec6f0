"""Games by name."""

import re
from collections.abc import Callable

from agent_tom.games.matrix_game import MatrixGame
from agent_tom.games.ordinal import ordinal_game
from agent_tom.games.public_goods import public_goods
from agent_tom.games.standard import (
    battle_of_the_sexes,
    chicken,
    matching_pennies,
    prisoners_dilemma,
    pure_coordination,
    rock_paper_scissors,
    stag_hunt,
    two_thirds_of_average,
)
from agent_tom.names import unknown

GAMES: dict[str, Callable[[], MatrixGame]] = {
    "rps": rock_paper_scissors,
    "ibs": battle_of_the_sexes,
    "ipd": prisoners_dilemma,
    "matching_pennies": matching_pennies,
    "stag_hunt": stag_hunt,
    "chicken": chicken,
    "coordination": pure_coordination,
    "two_thirds": two_thirds_of_average,
    "public_goods_4": public_goods,
}
_NUMBERED: dict[str, Callable[[int], MatrixGame]] = {"ordinal": ordinal_game, "public_goods": public_goods}


def make_game(name: str) -> MatrixGame:
    """The game of that name; ``ordinal_N`` and ``public_goods_N`` take a number.

    Raises:
        ValueError: If there is none; the nearest names are told.
    """
    if name in GAMES:
        return GAMES[name]()
    if (found := re.fullmatch(r"(\w+)_(\d+)", name)) and found[1] in _NUMBERED:
        return _NUMBERED[found[1]](int(found[2]))
    raise unknown("game", name, [*GAMES, "ordinal_0"])
