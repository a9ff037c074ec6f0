"""An automaton in play: a state for each episode."""

import numpy as np
from jaxtyping import Float, Int

from agent_tom.partners.automaton import Automaton
from agent_tom.playing.chance import drawn


class AutomatonPlay:
    """Plays an automaton in many episodes side by side, as black-box partners play.

    Args:
        automaton: What is played.
        start: A uniform number of each episode, for its first state.

    Attributes:
        num_draws: Numbers a round, for the next state.
        states: Of each episode, before the round to come.
    """

    num_draws = 1
    states: Int[np.ndarray, " episodes"]

    def __init__(self, automaton: Automaton, start: Float[np.ndarray, " episodes"]):
        self._automaton = automaton
        self.states = drawn(np.tile(automaton.start, (len(start), 1)), start)

    def act(self, draws: Float[np.ndarray, "episodes draws"]) -> Float[np.ndarray, "episodes partner_actions"]:
        """Probabilities of the partner's next action."""
        self._draws = draws[:, 0]
        return self._automaton.action_dist[self.states]

    def observe(self, actions: Int[np.ndarray, " episodes"], own: Int[np.ndarray, " episodes"]) -> None:
        """What was played; the states move on."""
        outcome = drawn(self._automaton.chance[self.states, actions, own], self._draws)
        self.states = self._automaton.next_state[self.states, actions, own, outcome]
