"""Agents that learn, and yardsticks that know."""

from agent_tom.agents.agent import Account, Agent, InformedAgent, JointMoves
from agent_tom.agents.bandits import EXP3, UCB, Thompson
from agent_tom.agents.fictitious_play import FictitiousPlay
from agent_tom.agents.language_model import LanguageModelAgent
from agent_tom.agents.person import Person
from agent_tom.agents.q_learning import QLearning
from agent_tom.agents.registry import AGENTS, SHORTHANDS, make_agent
from agent_tom.agents.rmax import RMax
from agent_tom.agents.simple import Fixed, Oracle
from agent_tom.agents.type_inference import TypeInference

__all__ = [
    "AGENTS",
    "EXP3",
    "SHORTHANDS",
    "UCB",
    "Account",
    "Agent",
    "FictitiousPlay",
    "Fixed",
    "InformedAgent",
    "JointMoves",
    "LanguageModelAgent",
    "Oracle",
    "Person",
    "QLearning",
    "RMax",
    "Thompson",
    "TypeInference",
    "make_agent",
]
