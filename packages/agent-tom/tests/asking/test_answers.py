"""Probability that falls on no action goes where the setting says, and all that may end an answer counts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_tom import make_game
from agent_tom.asking import ILLEGAL, answered, shared_out
from agent_tom.backends import ScriptedBackend

LEGAL = st.lists(st.floats(0.01, 0.24), min_size=4, max_size=4)
PAYOFFS = np.array([[3.0, 0.0], [1.0, 1.0], [1.0, 1.0], [5.0, 0.0]])


def test_any_end_of_an_answer_counts():
    ends = {"\n": 0.5, ".": 0.25}
    backend = ScriptedBackend(
        lambda text, probe, options: [ends[option[-1]] * (0.8 if "J" in option else 0.2) for option in options]
    )
    backend.begin(["", ""])
    found = np.exp(answered(backend, ["?", "?"], [["J", "F"], ["F", "J"]], ["\n", "."]))
    assert found == pytest.approx(np.array([[0.6, 0.15], [0.15, 0.6]]))


def test_the_rest_goes_where_it_should():
    scores = np.log([[0.3, 0.1, 0.1, 0.1]])
    expected = {
        "renormalise": [0.5, 1 / 6, 1 / 6, 1 / 6],
        "uniform": [0.4, 0.2, 0.2, 0.2],
        "forfeit": [0.3, 0.3, 0.3, 0.1],  # the second and third action are the worst
    }
    for illegal, probabilities in expected.items():
        dist, mass = shared_out(scores, illegal, PAYOFFS)
        assert dist[0] == pytest.approx(probabilities)
        assert mass == pytest.approx([0.6])


def test_in_a_prisoners_dilemma_cooperation_is_forfeited_to():
    game = make_game("ipd")
    dist, _ = shared_out(np.log([[0.25, 0.25]]), "forfeit", game.payoffs)
    assert dist[0, game.actions.index("cooperate")] == pytest.approx(0.75)


@given(legal=LEGAL, illegal=st.sampled_from(ILLEGAL))
def test_what_is_shared_out_is_a_distribution_and_the_mass_is_what_was_there(legal, illegal):
    dist, mass = shared_out(np.log([legal]), illegal, PAYOFFS)
    assert (dist >= 0).all()
    assert dist.sum() == pytest.approx(1)
    assert mass[0] == pytest.approx(sum(legal))


@pytest.mark.parametrize(("illegal", "expected"), [("renormalise", 0.25), ("uniform", 0.25), ("forfeit", 0.5)])
def test_nothing_at_all_can_be_shared_out(illegal, expected):
    dist, mass = shared_out(np.full((1, 4), -np.inf), illegal, PAYOFFS)
    assert dist[0, 1] == pytest.approx(expected)
    assert mass[0] == 0
