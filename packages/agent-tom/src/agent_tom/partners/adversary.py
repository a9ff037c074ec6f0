"""The mixture of partners against which no choice of agent does well."""

import numpy as np
from jaxtyping import Float


def hardest_weights(
    regrets: Float[np.ndarray, "agents partners"], *, iterations: int = 20_000
) -> Float[np.ndarray, " partners"]:
    """Weights of partners that make the best mixture of agents lose most, by regret matching on both sides.

    Args:
        regrets: What each agent loses against each partner.
        iterations: The weights come as near to the worst as one over their root.

    Source: Hart and Mas-Colell 2000; averages of play go to the value of the zero-sum game.
    """
    agents, partners = regrets.shape
    wishes = [np.zeros(agents), np.zeros(partners)]
    total = np.zeros(partners)
    for _ in range(iterations):
        choice, weights = (_matched(wish) for wish in wishes)
        total += weights
        losses, gains = regrets @ weights, choice @ regrets
        wishes[0] += choice @ losses - losses
        wishes[1] += gains - gains @ weights
    return total / total.sum()


def _matched(wishes: Float[np.ndarray, " choices"]) -> Float[np.ndarray, " choices"]:
    wanted = np.maximum(wishes, 0)
    return wanted / wanted.sum() if wanted.sum() > 0 else np.full(len(wishes), 1 / len(wishes))
