"""Matrix games of OpenSpiel."""

from typing import Any

import numpy as np

from agent_tom.games.matrix_game import MatrixGame
from agent_tom.names import unknown


def from_openspiel(game: Any) -> MatrixGame:
    """A one-shot game of two players who move at once, or the stage of a repeated one.

    Player 0 is the focal player. Payoffs and names of actions are the game's own.

    Args:
        game: Name, with parameters if you like (``blotto(coins=5)``), or a ``pyspiel.Game``.

    Raises:
        ImportError: If ``agent-tom[openspiel]`` is not installed.
        ValueError: If there is no such game, or it is not of this kind.
    """
    found = loaded(game)
    while found.get_type().short_name == "repeated_game":
        stage = _pyspiel().game_parameters_to_string(found.get_parameters()["stage_game"])
        found = loaded(stage)
    name = f"openspiel:{game if isinstance(game, str) else title(found)}"
    start = found.new_initial_state()
    if found.num_players() != 2 or not start.is_simultaneous_node():
        first = "all at once" if start.is_simultaneous_node() else "one of them or of chance"
        raise ValueError(
            f"{name} has {found.num_players()} players and begins with a move of {first}, so it is no matrix game; what "
            "two players play in turns is an `OpenSpielGame`."
        )
    labels = [[start.action_to_string(player, move) for move in start.legal_actions(player)] for player in (0, 1)]
    payoffs = np.empty((2, *map(len, labels)))
    for row, own in enumerate(start.legal_actions(0)):
        for column, other in enumerate(start.legal_actions(1)):
            end = start.clone()
            end.apply_actions([own, other])
            if not end.is_terminal():
                raise ValueError(f"{name} goes on after a joint move, so it is no matrix game but an `OpenSpielGame`.")
            payoffs[:, row, column] = end.returns()
    return MatrixGame(
        name=name,
        actions=tuple(labels[0]),
        partner_actions=tuple(labels[1]),
        payoffs=payoffs[0],
        partner_payoffs=payoffs[1],
    )


def loaded(game: Any) -> Any:
    """A ``pyspiel.Game``, by name if need be.

    Raises:
        ImportError: If ``agent-tom[openspiel]`` is not installed.
        ValueError: If there is no game of that name, or it does not take the parameters.
    """
    pyspiel = _pyspiel()
    if not isinstance(game, str):
        return game
    kind = game.partition("(")[0]
    if kind not in pyspiel.registered_names():
        raise unknown("game of OpenSpiel", kind, pyspiel.registered_names())
    try:
        return pyspiel.load_game(game)
    except (pyspiel.SpielError, IndexError) as error:  # the second if a parameter is missing
        raise ValueError(f"OpenSpiel cannot make {game!r}: {error}") from error


def title(game: Any) -> str:
    """How OpenSpiel writes a game, without the brackets of one that has no parameters."""
    return str(game).removesuffix("()")


def _pyspiel() -> Any:
    try:
        import pyspiel
    except ImportError as error:
        raise ImportError("games of OpenSpiel need: pip install 'agent-tom[openspiel]'") from error
    return pyspiel
