"""A matrix game from any game whose rounds can be played: every joint move is tried."""

from collections.abc import Callable, Sequence

import numpy as np

from agent_tom.games.matrix_game import MatrixGame

Trial = Callable[[int, Sequence[tuple[int, int]]], Sequence[tuple[float, float]]]
"""Plays joint moves from a fresh start with a seed, and gives what each paid both players; fewer if it is over."""

HISTORIES = 4
"""Games in which each joint move is tried again, after none, one, two and three rounds."""


def tried(
    name: str, actions: Sequence[str], partner_actions: Sequence[str], trial: Trial, *, instead: str
) -> MatrixGame:
    """The game whose payoffs are those of first rounds, if later rounds and other seeds pay the same.

    A few histories are tried, so what only a long one brings is not found.

    Args:
        name: Of the game.
        actions: Of the focal player.
        partner_actions: Of the partner.
        trial: Plays.
        instead: What to use for a game that is none of this kind.

    Raises:
        ValueError: If a joint move does not always pay the same.
    """
    shape = (len(actions), len(partner_actions))
    payoffs = np.empty((2, *shape))
    for joint in np.ndindex(shape):
        payoffs[:, *joint] = trial(0, [joint])[0]
    game = MatrixGame(
        name=name,
        actions=tuple(actions),
        partner_actions=tuple(partner_actions),
        payoffs=payoffs[0],
        partner_payoffs=payoffs[1],
    )
    draws = np.random.default_rng(0)
    for joint in np.ndindex(shape):
        for before in range(HISTORIES):
            history = [(int(own), int(other)) for own, other in draws.integers(shape, size=(before, 2))]
            _compare(game, trial, 1 + before, [*history, joint], instead)
    return game


def _compare(game: MatrixGame, trial: Trial, seed: int, moves: Sequence[tuple[int, int]], instead: str) -> None:
    """Refuse a game that pays another time what it did not pay in the first round."""
    for played, ((own, other), paid) in enumerate(zip(moves, trial(seed, moves), strict=False), start=1):
        first = (float(game.payoffs[own, other]), float(game.partner_payoffs[own, other]))
        if not np.allclose(first, paid):
            raise ValueError(
                f"{game.name} pays {first[0]:g} and {first[1]:g} at ({game.actions[own]}, {game.partner_actions[other]}) "
                f"in a first round, but {paid[0]:g} and {paid[1]:g} in round {played} of another game, so that no matrix "
                f"holds it; play it as a sequential game, a `{instead}`."
            )
