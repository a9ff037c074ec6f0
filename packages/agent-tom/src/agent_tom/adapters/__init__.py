"""Games of other libraries: matrix games as our own, and sequential games."""

from agent_tom.adapters.language_model_policy import LanguageModelPolicy
from agent_tom.adapters.openspiel_game import OpenSpielGame
from agent_tom.adapters.openspiel_stage import from_openspiel
from agent_tom.adapters.pettingzoo_game import PettingZooGame
from agent_tom.adapters.pettingzoo_stage import from_pettingzoo
from agent_tom.adapters.replayed_game import Position
from agent_tom.adapters.sequential_game import (
    Action,
    Distribution,
    Policy,
    SequentialGame,
    State,
    Turn,
    first_legal,
    table,
    uniform,
)
from agent_tom.adapters.sequential_play import SequentialEpisodes, play_sequential
from agent_tom.adapters.sequential_values import (
    GameValue,
    SequentialRegret,
    best_response_value,
    reference_value,
    sequential_regret,
)
from agent_tom.adapters.textarena_game import TextArenaGame
from agent_tom.adapters.textarena_stage import from_textarena

__all__ = [
    "Action",
    "Distribution",
    "GameValue",
    "LanguageModelPolicy",
    "OpenSpielGame",
    "PettingZooGame",
    "Policy",
    "Position",
    "SequentialEpisodes",
    "SequentialGame",
    "SequentialRegret",
    "State",
    "TextArenaGame",
    "Turn",
    "best_response_value",
    "first_legal",
    "from_openspiel",
    "from_pettingzoo",
    "from_textarena",
    "play_sequential",
    "reference_value",
    "sequential_regret",
    "table",
    "uniform",
]
