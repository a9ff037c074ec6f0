"""The games of the paper and others that everyone knows."""

import numpy as np

from agent_tom.games.matrix_game import MatrixGame, matrix_game


def rock_paper_scissors() -> MatrixGame:
    """Win 1, tie 0, lose -1."""
    payoffs = [[0, -1, 1], [1, 0, -1], [-1, 1, 0]]
    return matrix_game("rps", ("rock", "paper", "scissors"), payoffs, [[-value for value in row] for row in payoffs])


def battle_of_the_sexes() -> MatrixGame:
    """Iterated (IBS): the players want to meet, each in another place. Numbers of Akata et al., arXiv 2305.16867."""
    return matrix_game("ibs", ("first", "second"), [[10, 0], [0, 7]], [[7, 0], [0, 10]])


def prisoners_dilemma() -> MatrixGame:
    """Iterated (IPD). Numbers as in the work of Akata et al.; inferred, and confirmed by the tabular agent's regret."""
    return matrix_game("ipd", ("cooperate", "defect"), [[8, 0], [10, 5]], [[8, 10], [0, 5]])


def matching_pennies() -> MatrixGame:
    """The focal player wins if both show the same."""
    return matrix_game("matching_pennies", ("heads", "tails"), [[1, -1], [-1, 1]], [[-1, 1], [1, -1]])


def stag_hunt() -> MatrixGame:
    """To hunt together is best, to hunt alone is worst, a hare is safe."""
    return matrix_game("stag_hunt", ("stag", "hare"), [[4, 0], [3, 3]], [[4, 3], [0, 3]])


def chicken() -> MatrixGame:
    """Who swerves alone loses a little, who does not swerve with the other loses most."""
    return matrix_game("chicken", ("swerve", "straight"), [[3, 1], [4, 0]], [[3, 4], [1, 0]])


def pure_coordination() -> MatrixGame:
    """1 for both if they choose the same, else nothing."""
    return matrix_game("coordination", ("left", "right"), [[1, 0], [0, 1]], [[1, 0], [0, 1]])


def two_thirds_of_average(highest: int = 10) -> MatrixGame:
    """Each names a number from 0 to ``highest``; who is nearer to two thirds of the average gets 1, both half a tie."""
    numbers = np.arange(highest + 1)
    target = (numbers[:, None] + numbers) / 3
    ours, theirs = np.abs(numbers[:, None] - target), np.abs(numbers - target)
    won = np.where(np.isclose(ours, theirs), 0.5, (ours < theirs).astype(float))
    labels = tuple(map(str, numbers))
    return MatrixGame(name="two_thirds", actions=labels, partner_actions=labels, payoffs=won, partner_payoffs=1 - won)
