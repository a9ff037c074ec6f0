"""A person is asked until the answer is a move, and what is typed is what is played."""

import numpy as np
import pytest

from agent_tom import make_game, make_partner, play
from agent_tom.agents import Person


def at_the_terminal(answers):
    """A person who types these, and what is said to her."""
    said = []
    waiting = iter(answers)

    def ask(question):
        said.append(question)
        return next(waiting)

    return Person(ask=ask, tell=said.append), said


def test_typed_moves_are_played():
    person, said = at_the_terminal(["rock", "P", "2", "scissors"])
    game = make_game("rps")
    partner = make_partner("tit_for_tat").automaton(game, 2)
    episodes = play(game, partner, person, horizon=2, episodes=1)
    assert episodes.actions.tolist() == [[1, 2]]
    assert episodes.predictions.argmax(-1).tolist() == [[0, 1]]
    assert any(f"you get {episodes.payoffs[0, 0]:g}" in line for line in said)


@pytest.mark.parametrize("wrong", ["", "4", "0", "lizard"])
def test_what_is_no_move_is_asked_for_again(wrong):
    person, said = at_the_terminal([wrong, "rock", "paper"])
    game = make_game("rps")
    person.begin(game, 1, 1)
    assert person.predict().argmax() == 0
    assert "  Please type one of rock, paper, scissors." in said


def test_a_beginning_that_fits_several_is_asked_for_again():
    person, _ = at_the_terminal(["s", "sc"])
    game = make_game("rps")
    person.begin(type(game)(**{**vars(game), "actions": ("sc", "si", "rock")}), 1, 1)
    assert np.array_equal(person.act(np.zeros((1, 0))), [[1, 0, 0]])
