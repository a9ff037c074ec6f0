"""How a language model is asked: the text that it reads, its answers, and what it writes itself."""

from agent_tom.asking.answers import ILLEGAL, answered, shared_out
from agent_tom.asking.conversation import Conversation
from agent_tom.asking.notebook import Notebook
from agent_tom.asking.pen import Pen
from agent_tom.asking.room import OVERFLOW, room_for_text
from agent_tom.asking.telling import rules, told_round
from agent_tom.asking.transcript import Transcript

__all__ = [
    "ILLEGAL",
    "OVERFLOW",
    "Conversation",
    "Notebook",
    "Pen",
    "Transcript",
    "answered",
    "room_for_text",
    "rules",
    "shared_out",
    "told_round",
]
