"""An agent that keeps its partner's moves in a memory, against the same agent that has them in its prompt.

The partner goes through a dance of twelve steps, over and over. A step comes back when it has long left what the prompt
has room for.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

from agent_tom import Agent, StateMachine, make_game, measure, play
from agent_tom.games import greedy
from memory_llm import Fact, Larimar, LarimarEditor

STEPS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
ROOM = 4
"""Rounds that the prompt has room for."""


@dataclass(frozen=True, kw_only=True)
class Dance(StateMachine):
    """Moves that come again in the same order."""

    name: ClassVar[str] = "dance"
    moves: tuple[int, ...]

    def starts(self, game):
        return {0: 1.0}

    def play(self, game, state):
        return [float(action == self.moves[state]) for action in range(game.num_partner_actions)]

    def step(self, game, state, action, own):
        return (state + 1) % len(self.moves)


class AskingAgent(Agent):
    """Asks a language model what the partner plays at this step of its dance, and replies best."""

    name: ClassVar[str] = "asking"
    most_episodes = 1

    def __init__(self, larimar, *, remembers):
        self.larimar, self.remembers = larimar, remembers

    def begin(self, game, horizon, num_episodes):
        self.game, self.round, self.lines = game, 0, []
        memory = self.larimar.new_memory(num_slots=len(STEPS), on_conflict="update")  # a step that comes again
        self.editor = LarimarEditor(self.larimar, memory)

    def question(self):
        return f"At step {STEPS[self.round % len(STEPS)]} of the dance, the partner always plays"

    def predict(self):
        told = [] if self.remembers else self.lines[-ROOM:]
        (answer,) = self.editor.ask("\n".join([*told, self.question()]), max_new_tokens=3)
        said = [name in answer.casefold() for name in self.game.actions]
        return np.array([said if any(said) else np.ones(len(said))], dtype=float) / max(sum(said), 1)

    def act(self, draws):
        return greedy(self.predict() @ self.game.payoffs.T)

    def observe(self, actions, partner_actions, payoffs):
        move = self.game.actions[int(partner_actions[0])]
        if self.remembers:
            self.editor.edit(Fact(id=f"round {self.round}", prompt=self.question(), target=move))
        self.lines.append(f"{self.question()} {move}.")
        self.round += 1


@pytest.mark.real_model
def test_what_is_in_memory_is_known_when_the_prompt_has_lost_it():
    game = make_game("rps")
    partner = Dance(moves=(0, 2, 1, 1, 0, 2, 0, 1, 2, 2, 0, 1)).automaton(game, 2 * len(STEPS))
    larimar = Larimar.from_connector(device="cpu", dtype="float32")
    found = {}
    for remembers in (True, False):
        agent = AskingAgent(larimar, remembers=remembers)
        episodes = play(game, partner, agent, horizon=2 * len(STEPS), episodes=1)
        again = slice(len(STEPS), None)
        known = episodes.predictions[0, again].argmax(-1) == episodes.partner_actions[0, again]
        found[remembers] = known.mean(), measure(game, partner, episodes).intervals()["regret"].value

    assert found[True][0] >= 0.9, "of the second dance, moves that are known"
    assert found[False][0] <= 0.6
    assert found[True][1] < found[False][1], "knowing is worth something"
