"""Episodes of an agent and a partner, played side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from agent_tom.agents.agent import Agent, InformedAgent
from agent_tom.games.matrix_game import MatrixGame
from agent_tom.oracle.best_response import BestResponse, best_response
from agent_tom.partners.automaton import Automaton
from agent_tom.playing.chance import Chance, drawn


@dataclass(frozen=True, kw_only=True, eq=False)
class Episodes:
    """What happened, episode by round.

    Attributes:
        numbers: Of the episodes.
        states: Of the partner, before each round.
        actions: Of the agent.
        partner_actions: Of the partner.
        payoffs: To the agent.
        action_dists: From which the agent's actions were drawn.
        predictions: What it said the partner would do; None of an agent that does not say.
        legal_masses: How much of the probability fell on actions at all; None of an agent that cannot do anything else.
    """

    numbers: Int[np.ndarray, " episodes"]
    states: Int[np.ndarray, "episodes rounds"]
    actions: Int[np.ndarray, "episodes rounds"]
    partner_actions: Int[np.ndarray, "episodes rounds"]
    payoffs: Float[np.ndarray, "episodes rounds"]
    action_dists: Float[np.ndarray, "episodes rounds actions"]
    predictions: Float[np.ndarray, "episodes rounds partner_actions"] | None
    legal_masses: Float[np.ndarray, "episodes rounds"] | None = None

    @property
    def horizon(self) -> int:
        """Rounds."""
        return self.actions.shape[1]

    def __len__(self) -> int:
        return len(self.numbers)


def play(
    game: MatrixGame,
    partner: Automaton,
    agent: Agent,
    *,
    horizon: int = 100,
    episodes: int | Sequence[int] = 30,
    seed: int = 0,
    solution: BestResponse | None = None,
) -> Episodes:
    """Play episodes, all of them a round at a time.

    An episode depends on ``seed`` and its number alone, not on the others. The partner's chance does not depend on the
    agent, so that agents can be compared on the same draws.

    Args:
        game: What is played.
        partner: Its automaton in this game, for at least so many rounds.
        agent: Who plays.
        horizon: Rounds.
        episodes: How many, from number 0 on, or their numbers.
        seed: Of everything drawn.
        solution: The best play, for agents that are told it; computed if needed and absent.

    Raises:
        ValueError: If the partner is of another game or made for fewer rounds, or there is no episode or round.
    """
    numbers = range(episodes) if isinstance(episodes, int) else episodes
    if not len(numbers) or horizon < 1:
        raise ValueError(f"`episodes` and `horizon` must be at least 1, got {episodes} and {horizon}.")
    if (partner.num_actions, partner.num_partner_actions) != game.payoffs.shape:
        raise ValueError(
            f"the partner was made for {partner.num_actions} by {partner.num_partner_actions} actions, but {game.name} "
            f"has {game.num_actions} by {game.num_partner_actions}; make its automaton of this game."
        )
    partner.check(horizon)
    if isinstance(agent, InformedAgent) and solution is None:
        solution = best_response(game, partner, horizon)
    if agent.most_episodes is not None and len(numbers) > agent.most_episodes:
        parts = [
            play(game, partner, agent, horizon=horizon, episodes=group, seed=seed, solution=solution)
            for group in groups_of(numbers, agent.most_episodes)
        ]
        return joined(parts)
    agent.numbers = numbers
    agent.begin(game, horizon, len(numbers))
    if isinstance(agent, InformedAgent) and solution is not None:
        agent.know(partner, solution)
    chance = Chance(seed, numbers, horizon, agent.num_draws)
    states = drawn(np.tile(partner.start, (len(numbers), 1)), chance.start)
    seen: list[tuple[np.ndarray, ...]] = []
    predictions, masses = [], []
    for played in range(horizon):
        if isinstance(agent, InformedAgent):
            agent.see(states)
        predictions.append(agent.predict())
        dists = agent.act(chance.agent[:, played, 1:])
        masses.append(agent.legal_mass)
        actions = drawn(dists, chance.agent[:, played, 0])
        others = drawn(partner.action_dist[states], chance.partner[:, played, 0])
        payoffs = game.payoffs[actions, others]
        agent.observe(actions, others, payoffs)
        seen.append((states, actions, others, payoffs, dists))
        outcome = drawn(partner.chance[states, actions, others], chance.partner[:, played, 1])
        states = partner.next_state[states, actions, others, outcome]
    columns = [np.stack(column, axis=1) for column in zip(*seen, strict=True)]
    return Episodes(
        numbers=np.array(numbers),
        states=columns[0],
        actions=columns[1],
        partner_actions=columns[2],
        payoffs=columns[3],
        action_dists=columns[4],
        predictions=_by_round(predictions),
        legal_masses=_by_round(masses),
    )


def groups_of(numbers: Sequence[int], most: int | None) -> list[Sequence[int]]:
    """Episodes that an agent plays side by side, at most so many at a time."""
    size = len(numbers) if most is None else most
    return [numbers[start : start + size] for start in range(0, len(numbers), size)]


def joined(parts: Sequence[Episodes]) -> Episodes:
    """Episodes of one agent and partner together."""
    columns: dict[str, Any] = {
        name: None if column is None else np.concatenate([vars(part)[name] for part in parts])
        for name, column in vars(parts[0]).items()
    }
    return Episodes(**columns)


def _by_round(columns: Sequence[np.ndarray | None]) -> np.ndarray | None:
    there = [column for column in columns if column is not None]
    return np.stack(there, axis=1) if there else None
