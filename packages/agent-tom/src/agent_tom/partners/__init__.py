"""Partners: rules that become automata, so that the best play against each is known, and players of which it is not."""

from agent_tom.partners.adversary import hardest_weights
from agent_tom.partners.agent_partner import AgentPartner
from agent_tom.partners.automaton import Automaton, explore, union
from agent_tom.partners.axelrod_partner import AxelrodPartner
from agent_tom.partners.black_box import BlackBoxPartner
from agent_tom.partners.combined import Noisy, OneOf, Permuted, Switch
from agent_tom.partners.crowd import Crowd
from agent_tom.partners.learning import FictitiousPlayer, Markov, QLearner
from agent_tom.partners.partner import Partner, StateMachine
from agent_tom.partners.reactive import (
    ConditionalCooperator,
    Grim,
    LevelK,
    TitForTat,
    TitForTwoTats,
    WinStayLoseShift,
)
from agent_tom.partners.registry import PARTNERS, SHORTHANDS, make_partner
from agent_tom.partners.steady import Cycle, Drift, Mixture, Single

__all__ = [
    "PARTNERS",
    "SHORTHANDS",
    "AgentPartner",
    "Automaton",
    "AxelrodPartner",
    "BlackBoxPartner",
    "ConditionalCooperator",
    "Crowd",
    "Cycle",
    "Drift",
    "FictitiousPlayer",
    "Grim",
    "LevelK",
    "Markov",
    "Mixture",
    "Noisy",
    "OneOf",
    "Partner",
    "Permuted",
    "QLearner",
    "Single",
    "StateMachine",
    "Switch",
    "TitForTat",
    "TitForTwoTats",
    "WinStayLoseShift",
    "explore",
    "hardest_weights",
    "make_partner",
    "union",
]
