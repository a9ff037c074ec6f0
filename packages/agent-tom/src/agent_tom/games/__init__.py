"""What a round is worth, and what the players may do."""

from agent_tom.games.matrix_game import MatrixGame, best_replies, greedy, matrix_game
from agent_tom.games.ordinal import ordinal_game, ordinal_pairs
from agent_tom.games.public_goods import public_goods
from agent_tom.games.registry import GAMES, make_game
from agent_tom.games.standard import two_thirds_of_average

__all__ = [
    "GAMES",
    "MatrixGame",
    "best_replies",
    "greedy",
    "make_game",
    "matrix_game",
    "ordinal_game",
    "ordinal_pairs",
    "public_goods",
    "two_thirds_of_average",
]
