"""What can be measured against a partner whose rule nobody knows, and by which estimator."""

from dataclasses import replace

import numpy as np
import pytest

from agent_tom import make_agent, make_game, measure, play
from agent_tom.partners import AgentPartner, make_partner

RPS = make_game("rps")


def measured(agent, of, reference=None, **settings):
    partner = AgentPartner(of=make_agent(of), reference_return=reference)
    episodes = play(RPS, partner, make_agent(agent), **{"horizon": 30, "episodes": 8, **settings})
    return measure(RPS, partner, episodes), episodes


def test_regret_is_the_reference_less_what_was_earned():
    found, episodes = measured("rmax", {"name": "fixed", "action": 1}, reference=1)
    assert found.estimator == "path"
    assert found.values["regret"] == pytest.approx(1 - episodes.payoffs.mean(-1))
    assert np.array_equal(found.values["path_regret"], found.values["regret"])
    assert not found.values.keys() & {"regret_of_last_rounds", "gap", "planned"}
    assert found.uniform_regret is None
    assert "normalised" not in found.intervals(resamples=100)


def test_without_a_reference_there_is_no_regret():
    found, _ = measured("rmax", "uniform")
    assert found.estimator == ""
    assert found.believed == "myopic"
    assert not [name for name in found.values if name.endswith("regret") and name[:6] not in ("myopic", "believ")]
    assert {"payoff", "accuracy", "nll", "brier", "tv", "coherence"} <= found.values.keys()


def test_what_the_partner_said_stands_for_its_rule():
    # Random play in the partner's seat, and as an automaton: both say what they do, and here nothing else matters.
    found, episodes = measured("rmax", "uniform")
    automaton = make_partner("uniform").automaton(RPS, 30)
    known = replace(episodes, partner_dists=None)
    expected = measure(RPS, automaton, known)
    for name in ("accuracy", "accuracy_ceiling", "nll", "brier", "tv", "believed_regret", "coherence", "myopic_regret"):
        assert found.values[name] == pytest.approx(expected.values[name]), name


def test_a_partner_that_draws_itself_leaves_its_rule_unknown():
    found, _ = measured("fictitious_play", "thompson", reference=0.5)
    assert (found.estimator, found.believed) == ("path", "")
    assert {"regret", "accuracy", "nll", "brier", "coherence"} <= found.values.keys()
    assert not found.values.keys() & {"tv", "accuracy_ceiling", "believed_regret", "gap"}


def test_an_agent_that_says_nothing_has_payoff_and_regret():
    found, _ = measured("ucb", "uniform", reference=0)
    assert found.values.keys() == {"payoff", "myopic_regret", "regret", "path_regret"}
    assert found.believed == ""
