"""Literal measures, by hand."""

from math import log

import numpy as np
import pytest

from agent_tom.agents import make_agent
from agent_tom.games import make_game
from agent_tom.metrics import literal_metrics
from agent_tom.partners import Mixture, make_partner
from agent_tom.playing.episodes import play

RPS = make_game("rps")
MIXED = Mixture(weights=(0.5, 0.3, 0.2)).automaton(RPS, 10)


@pytest.mark.parametrize(
    ("predicted", "came", "expected"),
    [
        ([1, 0, 0], 0, {"accuracy": 1, "nll": 0, "brier": 0, "tv": 0.5}),
        ([1, 0, 0], 1, {"accuracy": 0, "nll": -log(1e-12), "brier": 2, "tv": 0.5}),
        ([0.5, 0.3, 0.2], 1, {"accuracy": 0, "nll": -log(0.3), "brier": 0.25 + 0.49 + 0.04, "tv": 0}),
        ([0.2, 0.2, 0.6], 2, {"accuracy": 1, "nll": -log(0.6), "brier": 0.04 + 0.04 + 0.16, "tv": 0.4}),
        # Two that are likeliest share the hit.
        ([0.4, 0.4, 0.2], 0, {"accuracy": 0.5, "nll": -log(0.4), "brier": 0.36 + 0.16 + 0.04, "tv": 0.1}),
        ([0.4, 0.4, 0.2], 2, {"accuracy": 0, "nll": -log(0.2), "brier": 0.16 + 0.16 + 0.64, "tv": 0.1}),
        ([1 / 3] * 3, 2, {"accuracy": 1 / 3, "nll": log(3), "brier": 2 / 3, "tv": 1 / 6}),
    ],
)
def test_a_round_by_hand(episodes_of, predicted, came, expected):
    episodes = episodes_of(RPS, [[0]], [[came]], [[0]], [[predicted]])
    found = literal_metrics(MIXED, episodes)
    assert {name: found[name].item() for name in expected} == pytest.approx(expected)
    assert found["accuracy_ceiling"].item() == 0.5


def test_the_truth_is_that_of_the_state(episodes_of):
    automaton = make_partner("tit_for_tat").automaton(RPS, 5)
    predictions = np.tile([0.7, 0.2, 0.1], (2, 2, 1))
    found = literal_metrics(
        automaton, episodes_of(RPS, [[0, 0], [0, 0]], [[0, 1], [2, 0]], [[0, 1], [2, 0]], predictions)
    )
    assert found["tv"] == pytest.approx(np.array([[0.3, 0.8], [0.9, 0.3]]))
    assert found["accuracy"].tolist() == [[1, 0], [0, 1]]


def test_who_does_not_predict_is_not_measured(episodes_of):
    assert literal_metrics(MIXED, episodes_of(RPS, [[0]], [[1]], [[0]])) == {}


@pytest.mark.parametrize("partner", ["noisy_single", "markov", "q_learner", "drift"])
def test_the_oracle_reaches_the_ceiling_and_has_no_distance(partner):
    automaton = make_partner(partner).automaton(RPS, 60)
    episodes = play(RPS, automaton, make_agent("oracle"), horizon=60, episodes=40)
    found = literal_metrics(automaton, episodes)
    assert not found["tv"].any()
    surplus = (found["accuracy"] - found["accuracy_ceiling"]).mean(-1)
    assert abs(surplus.mean()) <= 4 * surplus.std() / 40**0.5
