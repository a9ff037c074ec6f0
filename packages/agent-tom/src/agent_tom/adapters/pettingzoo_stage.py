"""Environments of PettingZoo that are matrix games, played again and again."""

from collections.abc import Sequence
from typing import Any

from agent_tom.adapters.trying import tried
from agent_tom.games.matrix_game import MatrixGame


def from_pettingzoo(
    env: Any, *, actions: Sequence[str] | None = None, partner_actions: Sequence[str] | None = None
) -> MatrixGame:
    """A game of two agents with discrete actions in which a round's rewards depend on the joint action alone.

    The first agent is the focal player. Every joint action is tried, after a reset and after some random rounds, so
    the environment is used up.

    Args:
        env: A ``ParallelEnv``, or an ``AECEnv`` that PettingZoo can make one.
        actions: Names of the focal player's actions; their numbers if absent.
        partner_actions: Of the partner's; as the focal player's if absent and as many.

    Raises:
        ValueError: If it is not of this kind, or names are not as many as actions.
    """
    env = _parallel(env)
    name = env.metadata.get("name", type(env).__name__)
    agents = list(env.possible_agents)
    if len(agents) != 2:
        raise ValueError(f"{name} has {len(agents)} agents, but a matrix game has 2; choose another environment.")
    first, second = (_size(name, env.action_space(agent), agent) for agent in agents)
    own = _labels(name, actions, first)
    other = _labels(name, actions if partner_actions is None and first == second else partner_actions, second)
    starts = [int(env.action_space(agent).start) for agent in agents]

    def trial(seed: int, moves: Sequence[tuple[int, int]]) -> list[tuple[float, float]]:
        env.reset(seed=seed)
        paid = []
        for joint in moves:
            if len(env.agents) < 2:
                break
            chosen = {agent: start + move for agent, start, move in zip(agents, starts, joint, strict=True)}
            rewards = env.step(chosen)[1]
            paid.append((float(rewards[agents[0]]), float(rewards[agents[1]])))
        return paid

    return tried(name, own, other, trial, instead="PettingZooGame")


def _parallel(env: Any) -> Any:
    from pettingzoo import AECEnv
    from pettingzoo.utils import aec_to_parallel

    if not isinstance(env, AECEnv):
        return env
    if not env.metadata.get("is_parallelizable"):
        raise ValueError(
            f"in {env.metadata.get('name', env)} agents take turns, so it is no matrix game; play it as a "
            "`PettingZooGame`."
        )
    return aec_to_parallel(env)


def _size(name: str, space: Any, agent: str) -> int:
    from gymnasium.spaces import Discrete

    if not isinstance(space, Discrete):
        raise ValueError(f"actions of {agent} in {name} are {space}, but a matrix game needs a Discrete space.")
    return int(space.n)


def _labels(name: str, labels: Sequence[str] | None, count: int) -> list[str]:
    if labels is not None and len(labels) != count:
        raise ValueError(f"{name} has {count} actions, got {len(labels)} names for them: {list(labels)}.")
    return list(labels) if labels is not None else [str(number) for number in range(count)]
