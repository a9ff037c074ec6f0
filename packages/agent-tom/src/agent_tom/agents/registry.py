"""Agents by name, as plans and the command line say them."""

from collections.abc import Mapping
from typing import Any

from agent_tom.agents.agent import Agent
from agent_tom.agents.bandits import EXP3, UCB, Thompson
from agent_tom.agents.fictitious_play import FictitiousPlay
from agent_tom.agents.language_model import LanguageModelAgent
from agent_tom.agents.q_learning import QLearning
from agent_tom.agents.rmax import RMax
from agent_tom.agents.simple import Fixed, Oracle
from agent_tom.agents.type_inference import TypeInference
from agent_tom.names import made, resolved

AGENTS: dict[str, type[Agent]] = {
    each.name: each
    for each in (
        Oracle,
        Fixed,
        FictitiousPlay,
        UCB,
        EXP3,
        Thompson,
        QLearning,
        RMax,
        TypeInference,
        LanguageModelAgent,
    )
}
SHORTHANDS: dict[str, Mapping[str, Any]] = {
    "uniform": {"name": "fixed"},
    "conditional_fictitious_play": {"name": "fictitious_play", "order": 1},
}
"""Settings that are asked for often."""


def make_agent(spec: str | Mapping[str, Any] | Agent) -> Agent:
    """An agent by name, or by a mapping of its ``name`` and settings.

    An agent that is one already is given back.

    Raises:
        ValueError: If the name or a setting is unknown, or a setting is missing.
    """
    if isinstance(spec, Agent):
        return spec
    kind, settings = resolved("agent", spec, AGENTS, SHORTHANDS)
    settings = {key: tuple(value) if isinstance(value, list) else value for key, value in settings.items()}
    return made("agent", kind.name, kind, settings)
