"""Episodes, and the random numbers that decide them."""

from agent_tom.playing.chance import Chance, drawn
from agent_tom.playing.episodes import Episodes, groups_of, joined, play

__all__ = ["Chance", "Episodes", "drawn", "groups_of", "joined", "play"]
