"""Functional theory of mind: what does the agent lose against the best play for its partner?

Three estimators of the same loss, which differ in what they are good for:

- advantage: in each round, the value of the best play less the value of the move made. It is never negative, 0 for the
  best play, and says which round lost the points. Its mean is that of ``path``.
- path: the value of the best play less what was earned, the paper's quantity. With a partner that draws lots it is
  noisy and may be negative.
- myopic: the best reply to the partner's move less what was earned. Right only if the partner takes no notice: it finds
  nothing wrong with always defecting against tit-for-tat.
"""

import numpy as np
from jaxtyping import Float

from agent_tom.games.matrix_game import MatrixGame
from agent_tom.oracle.best_response import BestResponse
from agent_tom.playing.episodes import Episodes


def advantage_regret(solution: BestResponse, episodes: Episodes) -> Float[np.ndarray, "episodes rounds"]:
    """Loss of each move, by the performance difference identity.

    Args:
        solution: Of the same game and partner, for at least as many rounds; more rounds take away what the best play
            gains from knowing the end.
        episodes: What was played.
    """
    rounds = np.arange(episodes.horizon)
    best = solution.values[rounds, episodes.states]
    return best - solution.action_values[rounds, episodes.states, episodes.actions]


def path_regret(solution: BestResponse, episodes: Episodes) -> Float[np.ndarray, " episodes"]:
    """Value of the best play less what was earned, a round."""
    return (solution.values[0, episodes.states[:, 0]] - episodes.payoffs.sum(-1)) / episodes.horizon


def myopic_regret(game: MatrixGame, episodes: Episodes) -> Float[np.ndarray, "episodes rounds"]:
    """What the best reply to the partner's move would have earned more."""
    return game.payoffs.max(0)[episodes.partner_actions] - episodes.payoffs
