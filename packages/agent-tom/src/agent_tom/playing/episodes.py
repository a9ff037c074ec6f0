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
from agent_tom.partners.black_box import BlackBoxPartner
from agent_tom.partners.partner import Partner
from agent_tom.playing.automaton_play import AutomatonPlay
from agent_tom.playing.chance import Chance, drawn


@dataclass(frozen=True, kw_only=True, eq=False)
class Episodes:
    """What happened, episode by round.

    Attributes:
        numbers: Of the episodes.
        states: Of the partner, before each round; 0 of one that has no automaton.
        actions: Of the agent.
        partner_actions: Of the partner.
        payoffs: To the agent.
        action_dists: From which the agent's actions were drawn.
        predictions: What it said the partner would do; None of an agent that does not say.
        legal_masses: How much of the probability fell on actions at all; None of an agent that cannot do anything else.
        partner_dists: From which the partner's actions were drawn; None where the states tell them, and of a black-box
            partner that draws itself.
    """

    numbers: Int[np.ndarray, " episodes"]
    states: Int[np.ndarray, "episodes rounds"]
    actions: Int[np.ndarray, "episodes rounds"]
    partner_actions: Int[np.ndarray, "episodes rounds"]
    payoffs: Float[np.ndarray, "episodes rounds"]
    action_dists: Float[np.ndarray, "episodes rounds actions"]
    predictions: Float[np.ndarray, "episodes rounds partner_actions"] | None
    legal_masses: Float[np.ndarray, "episodes rounds"] | None = None
    partner_dists: Float[np.ndarray, "episodes rounds partner_actions"] | None = None

    @property
    def horizon(self) -> int:
        """Rounds."""
        return self.actions.shape[1]

    def __len__(self) -> int:
        return len(self.numbers)


def play(
    game: MatrixGame,
    partner: Automaton | BlackBoxPartner,
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
        partner: Its automaton in this game, for at least so many rounds, or a black-box partner.
        agent: Who plays.
        horizon: Rounds.
        episodes: How many, from number 0 on, or their numbers.
        seed: Of everything drawn.
        solution: The best play, for agents that are told it; computed if needed and absent.

    Raises:
        ValueError: If the partner is of another game or made for fewer rounds, the agent must be told its rule and
            nobody knows it, or there is no episode or round.
    """
    numbers = range(episodes) if isinstance(episodes, int) else episodes
    if not len(numbers) or horizon < 1:
        raise ValueError(f"`episodes` and `horizon` must be at least 1, got {episodes} and {horizon}.")
    check_informed(agent, partner)
    told = agent if isinstance(agent, InformedAgent) and agent.informed else None
    if isinstance(partner, Automaton):
        _check_fits(game, partner, horizon)
        if told is not None and solution is None:
            solution = best_response(game, partner, horizon)
    most = most_at_once(agent, partner)
    if most is not None and len(numbers) > most:
        parts = [
            play(game, partner, agent, horizon=horizon, episodes=group, seed=seed, solution=solution)
            for group in groups_of(numbers, most)
        ]
        return joined(parts)
    agent.numbers = numbers
    agent.begin(game, horizon, len(numbers))
    if isinstance(partner, Automaton):
        chance = Chance(seed, numbers, horizon, agent.num_draws, AutomatonPlay.num_draws)
        other: AutomatonPlay | BlackBoxPartner = AutomatonPlay(partner, chance.start)
        if told is not None and solution is not None:
            told.know(partner, solution)
    else:
        partner.begin(game, horizon, numbers)
        chance, other = Chance(seed, numbers, horizon, agent.num_draws, partner.num_draws), partner
    columns = _columns(game, agent, other, told, chance, horizon)
    return Episodes(numbers=np.array(numbers), **columns)


def check_informed(agent: Agent, partner: Automaton | Partner) -> None:
    """Refuse an agent that must be told what nobody knows.

    Raises:
        ValueError: If it must be told its partner's rule, and the partner has no automaton.
    """
    if agent.informed and isinstance(partner, BlackBoxPartner):
        raise ValueError(
            f"agent {agent.name!r} must be told the rule of its partner, but partner {partner.name!r} has none that is "
            "known; leave one of them out, or choose another strategy of a language model."
        )


def most_at_once(agent: Agent, partner: Automaton | Partner) -> int | None:
    """Episodes that both can play side by side; any number if None."""
    bounds = (agent.most_episodes, partner.most_episodes if isinstance(partner, BlackBoxPartner) else None)
    return min((bound for bound in bounds if bound is not None), default=None)


def groups_of(numbers: Sequence[int], most: int | None) -> list[Sequence[int]]:
    """Episodes that are played side by side, at most so many at a time."""
    size = len(numbers) if most is None else most
    return [numbers[start : start + size] for start in range(0, len(numbers), size)]


def joined(parts: Sequence[Episodes]) -> Episodes:
    """Episodes of one agent and partner together."""
    columns: dict[str, Any] = {
        name: None if column is None else np.concatenate([vars(part)[name] for part in parts])
        for name, column in vars(parts[0]).items()
    }
    return Episodes(**columns)


def _check_fits(game: MatrixGame, partner: Automaton, horizon: int) -> None:
    if (partner.num_actions, partner.num_partner_actions) != game.payoffs.shape:
        raise ValueError(
            f"the partner was made for {partner.num_actions} by {partner.num_partner_actions} actions, but {game.name} "
            f"has {game.num_actions} by {game.num_partner_actions}; make its automaton of this game."
        )
    partner.check(horizon)


def _columns(
    game: MatrixGame,
    agent: Agent,
    other: AutomatonPlay | BlackBoxPartner,
    told: InformedAgent | None,
    chance: Chance,
    horizon: int,
) -> dict[str, Any]:
    """What happens, round by round: the fields of episodes but their numbers."""
    stateless = np.zeros(len(chance.start), dtype=np.int64)
    rounds: list[dict[str, np.ndarray | None]] = []
    for played in range(horizon):
        states = other.states if isinstance(other, AutomatonPlay) else stateless
        if told is not None:
            told.see(states)
        predictions, dists = agent.predict(), agent.act(chance.agent[:, played, 1:])
        masses, actions = agent.legal_mass, drawn(dists, chance.agent[:, played, 0])
        other_dists = other.act(chance.partner[:, played, 1:])
        others = drawn(other_dists, chance.partner[:, played, 0])
        payoffs = game.payoffs[actions, others]
        agent.observe(actions, others, payoffs)
        other.observe(actions, others)
        rounds.append(
            {
                "states": states,
                "actions": actions,
                "partner_actions": others,
                "payoffs": payoffs,
                "action_dists": dists,
                "predictions": predictions,
                "legal_masses": masses,
                # A partner that needs numbers of its own gives what it drew; and an automaton's states tell the rest.
                "partner_dists": None if other.num_draws else other_dists,
            }
        )
    return {name: _by_round([one[name] for one in rounds]) for name in rounds[0]}


def _by_round(columns: Sequence[np.ndarray | None]) -> np.ndarray | None:
    there = [column for column in columns if column is not None]
    return np.stack(there, axis=1) if there else None
