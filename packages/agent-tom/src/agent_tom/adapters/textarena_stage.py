"""Games of TextArena in which two players choose at once, round after round."""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from agent_tom.adapters.trying import tried
from agent_tom.games.matrix_game import MatrixGame
from agent_tom.names import unknown

ACTIONS = {
    "IteratedMatchingPennies": ("heads", "tails"),
    "IteratedPrisonersDilemma": ("cooperate", "defect"),
    "IteratedRockPaperScissors": ("rock", "paper", "scissors"),
    "IteratedStagHunt": ("stag", "hare"),
}
"""Moves of the games that are known here, as their rules write them between brackets."""
_SCORES = ("scores", "total_payoff", "points")  # what the games call the sum of rounds in their state
_SMALL_TALK = "Good luck."


def from_textarena(env: Any, *, actions: Sequence[str] | None = None) -> MatrixGame:
    """What a round adds to the scores that the game keeps for players 0 (focal) and 1.

    Every joint move is tried, after a reset and after some random rounds, so an environment that is given is used up.
    Where players talk before they choose, they say something that means nothing. The wrappers of an environment are
    not used. TextArena counts won rounds in some games, so that a lost round is worth 0 there, not -1.

    Args:
        env: Id such as ``IteratedPrisonersDilemma-v0``, or an environment.
        actions: Moves without their brackets; not needed for the games in ``ACTIONS``.

    Raises:
        ImportError: If ``agent-tom[textarena]`` is not installed.
        ValueError: If there is no such game, its moves are not known, it does not take one, it keeps no scores, or a
            joint move does not always pay the same.
    """
    bare = unwrapped(env)
    title = str(getattr(bare, "env_id", type(bare).__name__))
    name = f"textarena:{title}"
    known = ACTIONS.get(title.partition("-")[0].removesuffix("Env"))
    moves = actions or known
    if moves is None:
        raise ValueError(f"the moves of {name} are not known here; give them as `actions`, without their brackets.")

    def trial(seed: int, joints: Sequence[tuple[int, int]]) -> list[tuple[float, float]]:
        with own_chance():
            bare.reset(num_players=2, seed=seed)
            paid: list[tuple[float, float]] = []
            for joint in joints:
                if bare.state.done:
                    break
                before = _scores(bare, name)
                _play_round(bare, name, [moves[number] for number in joint])
                after = _scores(bare, name)
                paid.append((after[0] - before[0], after[1] - before[1]))
            return paid

    return tried(name, moves, moves, trial, instead="TextArenaGame")


def unwrapped(env: Any) -> Any:
    """An environment without its wrappers, made by its id if need be.

    Raises:
        ImportError: If ``agent-tom[textarena]`` is not installed.
        ValueError: If there is no environment of that id, or this Python cannot read it.
    """
    try:
        import textarena
    except ImportError as error:
        raise ImportError("games of TextArena need: pip install 'agent-tom[textarena]'") from error
    if isinstance(env, str):
        known = textarena.envs.registration.ENV_REGISTRY
        if env not in known:
            raise unknown("game of TextArena", env, known)
        try:
            env = textarena.make(env)
        except (ImportError, SyntaxError) as error:
            raise ValueError(
                f"TextArena cannot make {env!r} in this Python: {error}; a newer Python or TextArena may."
            ) from error
    while isinstance(env, textarena.Wrapper):
        env = env.env
    return env


@contextmanager
def own_chance() -> Iterator[None]:
    """TextArena seeds the random numbers of the whole process; they are as before afterwards."""
    before = random.getstate()
    try:
        yield
    finally:
        random.setstate(before)


def _play_round(env: Any, name: str, joint: Sequence[str]) -> None:
    while env.state.game_state.get("phase") == "conversation":
        env.step(_SMALL_TALK)
    for player, move in enumerate(joint):
        if env.state.current_player_id != player:
            raise ValueError(f"players of {name} do not choose one after the other; it is no matrix game.")
        env.step(f"[{move}]")
        if env.state.error_count:
            raise ValueError(f"{name} does not take [{move}] as a move; give `actions` that it takes.")


def _scores(env: Any, name: str) -> tuple[float, float]:
    for field in _SCORES:
        if field in env.state.game_state:
            scores = env.state.game_state[field]
            return float(scores[0]), float(scores[1])
    raise ValueError(f"{name} keeps no scores of rounds, so it is no matrix game; play it as a `TextArenaGame`.")
