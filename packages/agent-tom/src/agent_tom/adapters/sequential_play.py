"""Episodes of a sequential game."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from agent_tom.adapters.sequential_game import Policy, SequentialGame, Turn, distribution, movers
from agent_tom.playing.chance import drawn

_CHANCE = 2


@dataclass(frozen=True, kw_only=True, eq=False)
class SequentialEpisodes:
    """What happened.

    Attributes:
        numbers: Of the episodes.
        returns: To the focal player and its partner.
        moves: Of each episode, pairs of whose turn it was and the action, a pair of actions where both moved at once.
    """

    numbers: Int[np.ndarray, " episodes"]
    returns: Float[np.ndarray, "episodes 2"]
    moves: tuple[tuple[tuple[Turn, Any], ...], ...]


def play_sequential(
    game: SequentialGame, focal: Policy, partner: Policy, *, episodes: int | Sequence[int] = 30, seed: int = 0
) -> SequentialEpisodes:
    """Play episodes, one after the other.

    What is drawn in a turn depends on the seed, the episode's number and the turn alone, and each player and chance
    have numbers of their own, so that policies can be compared on the same draws.

    Args:
        game: What is played.
        focal: Policy of player 0.
        partner: Policy of player 1.
        episodes: How many, from number 0 on, or their numbers.
        seed: Of everything drawn.

    Raises:
        ValueError: If there is no episode, or a policy gives no distribution over the legal actions.
    """
    numbers = range(episodes) if isinstance(episodes, int) else episodes
    if not len(numbers):
        raise ValueError(f"`episodes` must be at least 1, got {episodes}.")
    played = [_episode(game, (focal, partner), seed, number) for number in numbers]
    return SequentialEpisodes(
        numbers=np.array(numbers),
        returns=np.array([paid for paid, _ in played], dtype=np.float64),
        moves=tuple(moves for _, moves in played),
    )


def _episode(
    game: SequentialGame, policies: tuple[Policy, Policy], seed: int, number: int
) -> tuple[tuple[float, float], tuple[tuple[Turn, Any], ...]]:
    state = game.start()
    moves: list[tuple[Turn, Any]] = []
    while (turn := game.turn(state)) != Turn.OVER:
        uniforms = np.random.default_rng([seed, number, len(moves)]).random(3)
        if turn == Turn.CHANCE:
            shares, actions = zip(*game.chances(state), strict=True)
            chosen: list[Any] = [actions[_pick(np.array(shares), uniforms[_CHANCE])]]
        else:
            chosen = [
                game.legal_actions(state, player)[
                    _pick(distribution(game, policies[player], state, player), uniforms[player])
                ]
                for player in movers(turn)
            ]
        action = tuple(chosen) if turn == Turn.BOTH else chosen[0]
        moves.append((turn, action))
        state = game.next_state(state, action)
    return game.returns(state), tuple(moves)


def _pick(dist: Float[np.ndarray, " choices"], uniform: float) -> int:
    return int(drawn(dist[None], np.array([uniform]))[0])
