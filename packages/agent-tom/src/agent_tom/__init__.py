"""Does an agent know its partner (literal theory of mind), and does it act on it (functional)?

Two players move at once, round after round. The focal player is the one that is measured; its partner follows a known
rule, so that the best play, and what any other play loses, is exact. Actions, states, rounds and episodes are numbered
from 0; regrets are payoffs a round.
"""

import importlib.metadata
from typing import TYPE_CHECKING

from gpu_commons.lazy_names import lazy_names

if TYPE_CHECKING:
    from agent_tom.adapters.openspiel_stage import from_openspiel
    from agent_tom.adapters.pettingzoo_stage import from_pettingzoo
    from agent_tom.adapters.textarena_stage import from_textarena
    from agent_tom.agents.agent import Agent, InformedAgent
    from agent_tom.agents.registry import make_agent
    from agent_tom.conformance import check_partner
    from agent_tom.games.matrix_game import MatrixGame, matrix_game
    from agent_tom.games.registry import make_game
    from agent_tom.games.repeated_game import RepeatedGame
    from agent_tom.metrics.intervals import EpisodeBootstrap, Interval
    from agent_tom.metrics.summary import EpisodeMeasures, measure
    from agent_tom.oracle.best_response import BestResponse, Scale, best_response, scale_of
    from agent_tom.partners.automaton import Automaton
    from agent_tom.partners.black_box import BlackBoxPartner
    from agent_tom.partners.partner import Partner, StateMachine
    from agent_tom.partners.registry import make_partner
    from agent_tom.playing.episodes import Episodes, play

__version__ = importlib.metadata.version("agent-tom")
_HOME = {
    "Agent": "agents.agent",
    "Automaton": "partners.automaton",
    "BestResponse": "oracle.best_response",
    "BlackBoxPartner": "partners.black_box",
    "EpisodeBootstrap": "metrics.intervals",
    "EpisodeMeasures": "metrics.summary",
    "Episodes": "playing.episodes",
    "InformedAgent": "agents.agent",
    "Interval": "metrics.intervals",
    "MatrixGame": "games.matrix_game",
    "Partner": "partners.partner",
    "RepeatedGame": "games.repeated_game",
    "Scale": "oracle.best_response",
    "StateMachine": "partners.partner",
    "best_response": "oracle.best_response",
    "check_partner": "conformance",
    "from_openspiel": "adapters.openspiel_stage",
    "from_pettingzoo": "adapters.pettingzoo_stage",
    "from_textarena": "adapters.textarena_stage",
    "make_agent": "agents.registry",
    "make_game": "games.registry",
    "make_partner": "partners.registry",
    "matrix_game": "games.matrix_game",
    "measure": "metrics.summary",
    "play": "playing.episodes",
    "scale_of": "oracle.best_response",
}
__all__ = [
    "Agent",
    "Automaton",
    "BestResponse",
    "BlackBoxPartner",
    "EpisodeBootstrap",
    "EpisodeMeasures",
    "Episodes",
    "InformedAgent",
    "Interval",
    "MatrixGame",
    "Partner",
    "RepeatedGame",
    "Scale",
    "StateMachine",
    "best_response",
    "check_partner",
    "from_openspiel",
    "from_pettingzoo",
    "from_textarena",
    "make_agent",
    "make_game",
    "make_partner",
    "matrix_game",
    "measure",
    "play",
    "scale_of",
]

__getattr__ = lazy_names(__name__, _HOME)
