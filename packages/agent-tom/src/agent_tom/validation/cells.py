"""Games and partners that claims are tried on."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from agent_tom.agents.registry import make_agent
from agent_tom.games.matrix_game import MatrixGame, greedy
from agent_tom.games.registry import make_game
from agent_tom.metrics.functional import advantage_regret
from agent_tom.metrics.intervals import EpisodeBootstrap
from agent_tom.oracle.best_response import BestResponse, best_response
from agent_tom.partners.automaton import Automaton
from agent_tom.partners.black_box import BlackBoxPartner
from agent_tom.partners.registry import PARTNERS, SHORTHANDS, make_partner
from agent_tom.playing.episodes import Episodes, play

HORIZON = 100
PAPER_GAMES, PAPER_PARTNERS = ("rps", "ibs", "ipd"), ("single", "tit_for_tat")
GAMES = (*PAPER_GAMES, "matching_pennies", "stag_hunt", "chicken", "coordination", "public_goods_4", "ordinal_0")
WRAPPED: dict[str, dict[str, Any]] = {
    "noisy": {"name": "noisy", "of": "grim"},
    "permuted": {"name": "permuted", "of": "tit_for_tat"},
    "switch": {"name": "switch", "of": "tit_for_tat", "to": "grim"},
    "one_of": {"name": "one_of", "pool": ["single", "tit_for_tat", "grim"]},
    "crowd": {"name": "crowd", "members": ["conditional_cooperator", "single", "uniform"]},
}


def partner_specs(game: str) -> Iterator[str | dict]:
    """Every partner with an automaton that ships and its usual settings, where the game allows it."""
    known = [name for name, kind in PARTNERS.items() if not issubclass(kind, BlackBoxPartner)]
    for name in (*known, *SHORTHANDS):
        if name == "crowd" and not game.startswith("public_goods"):
            continue
        if name == "permuted":
            yield {**WRAPPED[name], "order": list(reversed(range(make_game(game).num_partner_actions)))}
        else:
            yield WRAPPED.get(name, name)


def played(
    game: str, partner: str | dict, agent: str | dict, episodes: int, *, tail: int = 0
) -> tuple[MatrixGame, Automaton, BestResponse, Episodes]:
    """Game, automaton, best play of a game that goes on for ``tail`` rounds more, and episodes."""
    matrix = make_game(game)
    automaton = make_partner(partner).automaton(matrix, HORIZON + tail)
    solution = best_response(matrix, automaton, HORIZON + tail)
    # An agent that is told the best play is told that of the episode.
    return matrix, automaton, solution, play(matrix, automaton, make_agent(agent), horizon=HORIZON, episodes=episodes)


def regret_of(game: str, partner: str | dict, agent: str | dict, episodes: int) -> tuple[np.ndarray, Episodes]:
    """Advantage regret a round, by episode."""
    _, _, solution, found = played(game, partner, agent, episodes)
    return advantage_regret(solution, found).mean(-1), found


def interval(values: np.ndarray, episodes: Episodes) -> tuple[float, float]:
    """Of a mean over episodes."""
    found = EpisodeBootstrap(episodes.states[:, 0]).mean(values)
    return found.low, found.high


def accuracy(episodes: Episodes) -> float:
    """Share of moves foretold, ties shared."""
    assert episodes.predictions is not None
    came = np.take_along_axis(greedy(episodes.predictions), episodes.partner_actions[..., None], -1)
    return float(came.mean())
