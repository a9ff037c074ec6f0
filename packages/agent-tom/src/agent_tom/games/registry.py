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


def _from_openspiel(name: str) -> MatrixGame:
    from agent_tom.adapters.openspiel_stage import from_openspiel

    return from_openspiel(name)


def _from_textarena(name: str) -> MatrixGame:
    from agent_tom.adapters.textarena_stage import from_textarena

    return from_textarena(name)


_LIBRARIES: dict[str, Callable[[str], MatrixGame]] = {"openspiel": _from_openspiel, "textarena": _from_textarena}


def make_game(name: str) -> MatrixGame:
    """The game of that name; ``ordinal_N`` and ``public_goods_N`` take a number.

    Matrix games of other libraries have theirs before their name: ``openspiel:matrix_rps``,
    ``textarena:IteratedPrisonersDilemma-v0``.

    Raises:
        ImportError: If that library is not installed; the message is the pip line.
        ValueError: If there is none; the nearest names are told.
    """
    if name in GAMES:
        return GAMES[name]()
    library, _, theirs = name.partition(":")
    if library in _LIBRARIES:
        return _LIBRARIES[library](theirs)
    if (found := re.fullmatch(r"(\w+)_(\d+)", name)) and found[1] in _NUMBERED:
        return _NUMBERED[found[1]](int(found[2]))
    raise unknown("game", name, [*GAMES, "ordinal_0"])
