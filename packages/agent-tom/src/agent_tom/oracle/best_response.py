"""The best that can be done against a partner that is known, by dynamic programming over its states."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from agent_tom.games.matrix_game import MatrixGame, greedy
from agent_tom.partners.automaton import Automaton


@dataclass(frozen=True, kw_only=True, eq=False)
class BestResponse:
    """Values of states and actions under the best play from there on, by round (0-based).

    Attributes:
        values: What the rest of the game is worth; the row after the last round is 0.
        action_values: The same, if a certain action is played now.
    """

    values: Float[np.ndarray, "rounds_and_end states"]
    action_values: Float[np.ndarray, "rounds states actions"]

    @property
    def horizon(self) -> int:
        """Rounds."""
        return len(self.action_values)

    @property
    def policy(self) -> Float[np.ndarray, "rounds states actions"]:
        """The even mixture of all actions that are best."""
        return greedy(self.action_values)


def best_response(game: MatrixGame, partner: Automaton, horizon: int) -> BestResponse:
    """The best play over a number of rounds, exactly.

    The player knows the partner's rule and its state, so also what was drawn before the first round; what the partner
    draws in a round it learns afterwards. That is how the paper's regret is meant: its optimum against a constant
    partner wins from the first round on.

    Raises:
        ValueError: If the automaton was made for fewer rounds.
    """
    partner.check(horizon)
    values = np.zeros((horizon + 1, partner.num_states))
    action_values = np.zeros((horizon, partner.num_states, game.num_actions))
    now = round_payoffs(game, partner)
    for played in reversed(range(horizon)):
        action_values[played] = now + continuation(partner, values[played + 1])
        values[played] = action_values[played].max(-1)
    return BestResponse(values=values, action_values=action_values)


def value_of(game: MatrixGame, partner: Automaton, horizon: int, policy: Float[np.ndarray, "#states actions"]) -> float:
    """Expected payoff of a whole episode under a policy that looks at the partner's state alone."""
    value, now = np.zeros(partner.num_states), round_payoffs(game, partner)
    for _ in range(horizon):
        value = ((now + continuation(partner, value)) * policy).sum(-1)
    return float(partner.start @ value)


def worst_value(game: MatrixGame, partner: Automaton, horizon: int) -> float:
    """The least that an episode can be worth in expectation."""
    value, now = np.zeros(partner.num_states), round_payoffs(game, partner)
    for _ in range(horizon):
        value = (now + continuation(partner, value)).min(-1)
    return float(partner.start @ value)


def round_payoffs(game: MatrixGame, partner: Automaton) -> Float[np.ndarray, "states actions"]:
    """Expected payoff of each action in each state, this round."""
    return partner.action_dist @ game.payoffs.T


def continuation(partner: Automaton, values: Float[np.ndarray, " states"]) -> Float[np.ndarray, "states actions"]:
    """Expected value of the state after each action."""
    after = (values[partner.next_state] * partner.chance).sum(-1)
    return (after * partner.action_dist[:, None, :]).sum(-1)


@dataclass(frozen=True, kw_only=True)
class Scale:
    """What an episode against a partner is worth, a round.

    Attributes:
        best: Of the best play.
        uniform: Of random play.
        worst: Of the worst.
    """

    best: float
    uniform: float
    worst: float

    @property
    def uniform_regret(self) -> float:
        """What random play costs, a round."""
        return self.best - self.uniform

    @property
    def largest_regret(self) -> float:
        """The most that can be lost, a round."""
        return self.best - self.worst


def scale_of(game: MatrixGame, partner: Automaton, horizon: int, solution: BestResponse | None = None) -> Scale:
    """Best, random and worst play against a partner."""
    solution = solution or best_response(game, partner, horizon)
    even = np.full((1, game.num_actions), 1 / game.num_actions)
    return Scale(
        best=float(partner.start @ solution.values[0]) / horizon,
        uniform=value_of(game, partner, horizon, even) / horizon,
        worst=worst_value(game, partner, horizon) / horizon,
    )
