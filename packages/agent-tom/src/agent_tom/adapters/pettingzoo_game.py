"""Environments of PettingZoo as sequential games."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from agent_tom.adapters.replayed_game import Position, ReplayedGame
from agent_tom.adapters.sequential_game import Action, Turn


class PettingZooGame(ReplayedGame):
    """Two agents with discrete actions that take turns, or move at once, as their environment has it.

    The first agent is the focal player. What a player knows is what it has observed and done in its own turns. Where
    both move at once, the second chooses without having seen the first's choice. Legal actions are those of the
    ``action_mask`` in a player's observation or info, all if there is none.

    Args:
        make: Makes the environment, an ``AECEnv`` or ``ParallelEnv``; called once for each state that is looked at.
        seeds: Of its reset; chance draws one of them, all alike.
        describe: Of a state and a player: the text for a language model. Without it, what the environment renders in
            mode "ansi", which is the same for both players, or else the observation.
        action_name: Of a state, a player and an action: its name; the number if absent.

    Raises:
        ValueError: If there are not two agents with discrete actions, there is no seed, or the environment is not the
            same when it is played again.
    """

    def __init__(
        self,
        make: Callable[[], Any],
        *,
        seeds: Sequence[int] = (0,),
        describe: Callable[[Position, int], str] | None = None,
        action_name: Callable[[Position, int, Any], str] | None = None,
    ):
        self._make = make
        env = self._new()
        self.name, self._agents = env.metadata.get("name", type(env).__name__), list(env.possible_agents)
        self._check(env)
        super().__init__(seeds=seeds, describe=describe, action_name=action_name)

    def replayed(self, seed: int, moves: tuple[Any, ...]) -> Position:
        env = self._new()
        env.reset(seed=seed)
        _pass_over(env)
        known: list[tuple[Any, ...]] = [(), ()]
        paid = np.zeros(2)
        for move in moves:
            player = self._agents.index(env.agent_selection)
            known[player] += ((_frozen(env.observe(env.agent_selection)), move),)
            env.step(move)
            paid += [env.rewards.get(agent, 0) for agent in self._agents]
            _pass_over(env)
        focal, partner = paid.tolist()
        return Position(seed=seed, moves=moves, env=env, known=(known[0], known[1]), paid=(focal, partner))

    def turn_in(self, env: Any) -> Turn:
        return Turn(self._agents.index(env.agent_selection)) if env.agents else Turn.OVER

    def legal_actions(self, state: Position, player: int) -> Sequence[Action]:
        env, agent = state.env, self._agents[player]
        space, observed = env.action_space(agent), env.observe(agent)
        mask = env.infos.get(agent, {}).get("action_mask")
        if isinstance(observed, Mapping):
            mask = observed.get("action_mask", mask)
        places = range(int(space.n)) if mask is None else np.flatnonzero(mask).tolist()
        return [int(space.start) + place for place in places]

    def information_state(self, state: Position, player: int) -> Hashable:
        return state.known[player], _frozen(state.env.observe(self._agents[player]))

    def text(self, state: Position, player: int) -> str:
        if state.env.render_mode == "ansi":
            return str(state.env.render())
        observed = state.env.observe(self._agents[player])
        return str(observed.get("observation", observed) if isinstance(observed, Mapping) else observed)

    def _new(self) -> Any:
        from pettingzoo import ParallelEnv
        from pettingzoo.utils import parallel_to_aec

        env = self._make()
        return parallel_to_aec(env) if isinstance(env, ParallelEnv) else env

    def _check(self, env: Any) -> None:
        from gymnasium.spaces import Discrete

        if len(self._agents) != 2:
            raise ValueError(
                f"{self.name} has {len(self._agents)} agents, but 2 are measured; choose another environment."
            )
        for agent in self._agents:
            if not isinstance(env.action_space(agent), Discrete):
                raise ValueError(
                    f"actions of {agent} in {self.name} are {env.action_space(agent)}; only a Discrete space can be gone "
                    "through, so make it one."
                )


def _pass_over(env: Any) -> None:
    """Go on to an agent that still plays, as PettingZoo wants it: those that do not are stepped with no action."""
    while env.agents and (env.terminations[env.agent_selection] or env.truncations[env.agent_selection]):
        env.step(None)


def _frozen(seen: Any) -> Hashable:
    """An observation as a key."""
    if isinstance(seen, np.ndarray):
        return seen.shape, seen.dtype.str, seen.tobytes()
    if isinstance(seen, Mapping):
        return tuple((key, _frozen(seen[key])) for key in sorted(seen))
    return tuple(map(_frozen, seen)) if isinstance(seen, tuple | list) else seen
