"""Agents by name; yardsticks; and episodes that are played together but do not touch."""

import numpy as np
import pytest

from agent_tom.agents import AGENTS, SHORTHANDS, FictitiousPlay, Fixed, TypeInference, make_agent
from agent_tom.games import make_game
from agent_tom.oracle import best_response
from agent_tom.partners import make_partner
from agent_tom.playing.episodes import play

IPD, RPS = make_game("ipd"), make_game("rps")


TABULAR = [name for name in AGENTS if name != "language_model"]


@pytest.mark.parametrize("name", TABULAR)
def test_an_agent_has_the_name_by_which_it_is_made(name):
    assert make_agent(name).name == make_agent({"name": name}).name == name


@pytest.mark.parametrize(
    ("spec", "agent"),
    [
        ("uniform", Fixed()),
        ("conditional_fictitious_play", FictitiousPlay(order=1)),
        ({"name": "conditional_fictitious_play", "prior": 2.5}, FictitiousPlay(order=1, prior=2.5)),
        ({"name": "uniform", "action": 1}, Fixed(action=1)),
        ({"name": "type_inference", "pool": ["single", "grim"]}, TypeInference(pool=("single", "grim"))),
    ],
)
def test_a_spec_makes_its_agent(spec, agent):
    assert make_agent(spec) == agent


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("rmaxx", "no agent is called 'rmaxx'; did you mean 'rmax'"),
        ("conditional_fictitious", "did you mean 'conditional_fictitious_play'"),
        ("zzz", "no agent is called 'zzz'; there are oracle, fixed"),
        ({}, "no agent is called ''"),
        ({"name": "ucb", "rate": 1}, "agent 'ucb' has no setting 'rate'; it has exploration"),
        ({"name": "oracle", "rate": 1}, "agent 'oracle' has no setting 'rate'; it has none"),
    ],
)
def test_what_makes_no_agent_is_told(spec, message):
    with pytest.raises(ValueError, match=message):
        make_agent(spec)


@pytest.mark.parametrize(("action", "dist"), [(None, [1 / 3] * 3), (0, [1, 0, 0]), (2, [0, 0, 1])])
def test_a_fixed_agent_never_changes(action, dist):
    agent = Fixed(action=action)
    agent.begin(RPS, 10, 2)
    for _ in range(3):
        assert agent.act(np.empty((2, 0))) == pytest.approx(np.array([dist, dist]))
        agent.observe(np.array([0, 1]), np.array([1, 1]), np.array([-1.0, 0.0]))


@pytest.mark.parametrize("action", [-1, 3])
def test_a_fixed_action_that_is_not_there_is_told(action):
    with pytest.raises(ValueError, match=f"`action` must be 0 to 2 in rps, got {action}"):
        Fixed(action=action).begin(RPS, 10, 2)


def test_the_oracle_knows_the_round_and_the_state():
    automaton = make_partner("tit_for_tat").automaton(IPD, 3)
    agent = make_agent("oracle")
    agent.begin(IPD, 3, 2)
    agent.know(automaton, best_response(IPD, automaton, 3))
    # The partner cooperates in one episode and defects in the other; in the last round it cannot answer any more.
    for dists in ([[1, 0], [1, 0]], [[1, 0], [0.5, 0.5]], [[0, 1], [0, 1]]):
        agent.see(np.array([0, 1]))
        assert agent.predict().tolist() == [[1, 0], [0, 1]]
        assert agent.act(np.empty((2, 0))).tolist() == dists
        agent.observe(np.array([0, 1]), np.array([0, 1]), np.array([8.0, 5.0]))


def told(agent, rounds):
    """Tell an agent of one episode these joint moves."""
    for action, other, payoff in rounds:
        agent.observe(np.array([action]), np.array([other]), np.array([float(payoff)]))


def test_fictitious_play_counts_from_its_prior():
    agent, game = FictitiousPlay(), make_game("ibs")
    agent.begin(game, 10, 1)
    assert agent.predict().tolist() == [[0.5, 0.5]]
    assert agent.act(np.empty((1, 0))).tolist() == [[1, 0]]  # 10/2 against 7/2
    told(agent, [(0, 1, 0), (1, 1, 7), (1, 0, 0)])
    assert agent.predict() == pytest.approx(np.array([[1.5 / 4, 2.5 / 4]]))
    assert agent.act(np.empty((1, 0))).tolist() == [[0, 1]]  # 10 * 1.5 against 7 * 2.5
    told(agent, [(1, 0, 0)])
    assert agent.act(np.empty((1, 0))).tolist() == [[1, 0]]  # 10 * 2.5 against 7 * 2.5


@pytest.mark.parametrize(("prior", "share"), [(1.0, 2.5 / 3), (4.0, 4 / 6)])
def test_a_prior_counts_as_so_many_rounds(prior, share):
    agent = FictitiousPlay(prior=prior)
    agent.begin(IPD, 10, 1)
    told(agent, [(0, 1, 0), (0, 1, 0)])
    assert agent.predict() == pytest.approx(np.array([[1 - share, share]]))


def test_conditional_play_counts_apart_after_each_joint_move():
    agent = FictitiousPlay(order=1)
    agent.begin(IPD, 10, 1)
    told(agent, [(0, 0, 8), (0, 1, 0)])  # nothing, then (0, 0)
    assert agent.predict().tolist() == [[0.5, 0.5]]
    told(agent, [(0, 0, 8)])  # after (0, 1)
    assert agent.predict() == pytest.approx(np.array([[0.25, 0.75]]))  # after (0, 0), where 1 came once
    told(agent, [(0, 1, 0)])
    assert agent.predict() == pytest.approx(np.array([[0.75, 0.25]]))  # after (0, 1), where 0 came once


def test_two_joint_moves_tell_more_than_one():
    moves = [(0, 0, 8), (0, 1, 0), (0, 1, 0), (0, 0, 8)] * 5  # what follows 0 depends on what was before it
    for order, accurate in ((1, False), (2, True)):
        agent = FictitiousPlay(order=order)
        agent.begin(IPD, 20, 1)
        told(agent, moves)
        assert (agent.predict()[0, 0] > 0.8) == accurate


SPECS = [*TABULAR, *SHORTHANDS, {"name": "fictitious_play", "order": 2}, {"name": "rmax", "visits": 2}]


@pytest.mark.parametrize("spec", SPECS, ids=str)
@pytest.mark.parametrize("partner", ["noisy_tit_for_tat", "q_learner"])
def test_episodes_played_together_are_those_played_one_by_one(spec, partner):
    horizon = 12
    automaton = make_partner(partner).automaton(RPS, horizon)
    together = play(RPS, automaton, make_agent(spec), horizon=horizon, episodes=5, seed=3)
    for number in range(5):
        alone = play(RPS, automaton, make_agent(spec), horizon=horizon, episodes=[number], seed=3)
        for field in ("states", "actions", "partner_actions"):
            assert np.array_equal(getattr(alone, field)[0], getattr(together, field)[number])
        for field in ("action_dists", "predictions"):
            one, many = getattr(alone, field), getattr(together, field)
            assert (one is None) == (many is None)
            assert one is None or one[0] == pytest.approx(many[number], abs=1e-12)


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_an_agent_forgets_when_it_begins_anew(spec):
    automaton, agent = make_partner("noisy_tit_for_tat").automaton(RPS, 12), make_agent(spec)
    first, second = (play(RPS, automaton, agent, horizon=12, episodes=3) for _ in range(2))
    assert np.array_equal(first.action_dists, second.action_dists)
