"""Public goods for any number of players, as the focal player sees it: the partner is all the others together."""

import numpy as np

from agent_tom.games.matrix_game import MatrixGame


def public_goods(num_players: int = 4, *, multiplier: float = 1.6) -> MatrixGame:
    """Each keeps one unit or contributes it; contributions are multiplied and shared by all.

    What the focal player gets depends on how many others contribute, so the others are one partner whose action is
    their number, 0 to ``num_players - 1``. :func:`agent_tom.partners.crowd` makes it of single players.

    Args:
        num_players: At least 2.
        multiplier: Between 1 and the number of players, or else there is no dilemma.

    Raises:
        ValueError: If there is none.
    """
    if num_players < 2 or not 1 < multiplier < num_players:
        raise ValueError(
            f"public goods need at least 2 players and a `multiplier` between 1 and their number, got {num_players} "
            f"players and {multiplier}."
        )
    others = np.arange(num_players)
    own = np.array([0, 1])[:, None]
    share = multiplier * (others + own) / num_players
    return MatrixGame(
        name=f"public_goods_{num_players}",
        actions=("keep", "contribute"),
        partner_actions=tuple(f"{count} contribute" for count in others),
        payoffs=1 - own + share,
        partner_payoffs=1 - others / (num_players - 1) + share,  # of one of the others, on average
    )
