"""All measures of some episodes, and their intervals."""

import numpy as np
import pytest

from agent_tom.agents import make_agent
from agent_tom.games import make_game
from agent_tom.metrics import EpisodeMeasures, measure
from agent_tom.oracle import best_response
from agent_tom.partners import Single, Switch, make_partner
from agent_tom.playing.episodes import play

IPD, RPS = make_game("ipd"), make_game("rps")


def measured(game, partner, agent, **settings):
    automaton = make_partner(partner).automaton(game, 60)
    episodes = play(game, automaton, make_agent(agent), **{"horizon": 60, "episodes": 12, **settings})
    return measure(game, automaton, episodes, seed=settings.get("seed", 0))


@pytest.mark.parametrize(
    ("partner", "agent", "kind"),
    [
        ("noisy_single", "rmax", "myopic"),
        ("tit_for_tat", "rmax", "planned"),
        ("noisy_single", "ucb", ""),
        ("tit_for_tat", "ucb", ""),
    ],
)
def test_beliefs_are_measured_as_the_partner_demands(partner, agent, kind):
    found = measured(RPS, partner, agent)
    assert found.believed == kind
    assert ("gap" in found.values) is ("accuracy" in found.values) is bool(kind)
    assert ("planned" in found.values) is (kind == "planned")


def test_rounds_are_averaged_and_the_last_ones_apart():
    # Paper beats rock for 40 rounds, and loses to scissors for 20, in which rock would win.
    automaton = Switch(of=Single(action=0), to=Single(action=2), at=40).automaton(RPS, 60)
    episodes = play(RPS, automaton, make_agent({"name": "fixed", "action": 1}), horizon=60, episodes=3)
    found = measure(RPS, automaton, episodes).values
    expected = {
        "payoff": 20 / 60,
        "regret": 40 / 60,
        "regret_of_last_rounds": 2,
        "path_regret": 40 / 60,
        "myopic_regret": 40 / 60,
    }
    assert {name: value.tolist() for name, value in found.items()} == {
        name: pytest.approx([value] * 3) for name, value in expected.items()
    }


@pytest.mark.parametrize("partner", ["noisy_single", "noisy_tit_for_tat"])
@pytest.mark.parametrize("agent", ["rmax", "fictitious_play", "type_inference"])
def test_a_gap_is_what_is_lost_beyond_the_beliefs(partner, agent):
    values = measured(IPD, partner, agent).values
    assert np.array_equal(values["gap"], values["regret"] - values["believed_regret"], equal_nan=True)
    if "planned" in values:
        assert np.array_equal(values["planned"], np.isfinite(values["gap"]))


def test_a_counter_against_tit_for_tat_has_a_large_regret_and_no_gap():
    automaton = make_partner("tit_for_tat").automaton(IPD, 100)
    episodes = play(IPD, automaton, make_agent("fictitious_play"), episodes=10)
    found = measure(IPD, automaton, episodes).intervals()
    assert found["regret"] == pytest.approx((2.955, 2.955, 2.955))  # the two first moves are two strata
    assert found["believed_regret"].value == pytest.approx(2.955)
    assert found["gap"] == pytest.approx((0, 0, 0))
    assert found["planned"].value == 1
    assert found["accuracy"].value > 0.98
    assert found["coherence"].value == 1
    # Random play loses 7.98 - 5.75 a round.
    assert found["normalised"].value == pytest.approx(2.955 / 2.23)


def test_random_play_is_1_and_the_oracle_0_of_random_play():
    random, oracle = (measured(RPS, "single", agent, episodes=90).intervals() for agent in ("uniform", "oracle"))
    assert random["normalised"].low < 1 < random["normalised"].high
    assert oracle["normalised"] == (0, 0, 0)


def test_where_random_play_loses_nothing_there_is_no_scale():
    found = measured(RPS, "uniform", "uniform")
    assert found.uniform_regret == 0
    assert "normalised" not in found.intervals()


def test_episodes_without_the_measure_are_left_out():
    values = {
        "regret": np.arange(6.0),
        "gap": np.array([1.0, np.nan, 2.0, np.nan, np.nan, 6.0]),
        "none": np.full(6, np.nan),
    }
    found = EpisodeMeasures(
        values=values, strata=np.zeros(6), estimator="advantage", believed="planned", uniform_regret=2.0
    ).intervals()
    assert found["gap"].value == 3
    assert 1 <= found["gap"].low < 3 < found["gap"].high <= 6
    assert found["regret"].value == 2.5
    assert np.isnan(found["none"]).all()
    assert found["normalised"] == tuple(part / 2 for part in found["regret"])


def test_strata_are_what_the_partner_began_with():
    found = measured(RPS, "tit_for_tat", "rmax")
    automaton = make_partner("tit_for_tat").automaton(RPS, 60)
    episodes = play(RPS, automaton, make_agent("uniform"), horizon=60, episodes=12)
    assert np.array_equal(found.strata, episodes.partner_actions[:, 0])


@pytest.mark.parametrize("rounds", [40, 100])
def test_the_best_play_of_other_rounds_is_refused(rounds):
    automaton = make_partner("tit_for_tat").automaton(IPD, 100)
    episodes = play(IPD, automaton, make_agent("uniform"), horizon=60, episodes=2)
    message = f"`solution` is the best play of {rounds} rounds, but the episodes have 60; give that of as many, or none"
    with pytest.raises(ValueError, match=message):
        measure(IPD, automaton, episodes, solution=best_response(IPD, automaton, rounds))


def test_a_solution_that_is_there_changes_nothing():
    automaton = make_partner("q_learner").automaton(RPS, 60)
    episodes = play(RPS, automaton, make_agent("rmax"), horizon=60, episodes=6, seed=4)
    one = measure(RPS, automaton, episodes, seed=4)
    other = measure(RPS, automaton, episodes, seed=4, solution=best_response(RPS, automaton, 60))
    assert one.values.keys() == other.values.keys()
    for name, values in one.values.items():
        assert np.array_equal(values, other.values[name], equal_nan=True), name
