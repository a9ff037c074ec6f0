"""Episodes, and the random numbers that decide them."""

from agent_tom.playing.chance import Chance, drawn
from agent_tom.playing.episodes import Episodes, check_informed, groups_of, joined, most_at_once, play

__all__ = ["Chance", "Episodes", "check_informed", "drawn", "groups_of", "joined", "most_at_once", "play"]
