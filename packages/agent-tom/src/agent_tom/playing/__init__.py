"""Episodes, and the random numbers that decide them."""

from agent_tom.playing.chance import Chance, drawn
from agent_tom.playing.episodes import Episodes, play

__all__ = ["Chance", "Episodes", "drawn", "play"]
