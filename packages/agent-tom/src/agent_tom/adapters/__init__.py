"""Matrix games of other libraries as our own."""

from agent_tom.adapters.openspiel_stage import from_openspiel
from agent_tom.adapters.pettingzoo_stage import from_pettingzoo
from agent_tom.adapters.textarena_stage import from_textarena

__all__ = ["from_openspiel", "from_pettingzoo", "from_textarena"]
