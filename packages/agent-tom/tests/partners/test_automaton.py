"""Automata hold what they say, or tell what does not fit."""

from dataclasses import replace

import numpy as np
import pytest

from agent_tom.agents import Fixed
from agent_tom.games import make_game
from agent_tom.oracle import best_response
from agent_tom.partners import Automaton, Drift, Single, explore, make_partner, union
from agent_tom.playing import play

IPD, RPS = make_game("ipd"), make_game("rps")


@pytest.fixture
def simple():
    """Two states, 2 by 2 actions, two outcomes: the second state is left for good with probability 1/4."""
    next_state = np.zeros((2, 2, 2, 2), dtype=np.int64)
    next_state[0] = [1, 0]
    next_state[1] = [1, 0]
    chance = np.broadcast_to([0.75, 0.25], (2, 2, 2, 2)).copy()
    chance[0] = [0, 1]
    return Automaton(
        start=np.array([0.5, 0.5]),
        action_dist=np.eye(2),
        next_state=next_state,
        chance=chance,
        labels=("left", "right"),
    )


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("field", "change", "message"),
    [
        (
            "chance",
            lambda table: table[..., :1],
            r"2 states has `next_state` of shape \(2, 2, 2, 2\) and `chance` of \(2, 2, 2, 1\)",
        ),
        ("action_dist", lambda table: np.eye(3), r"an automaton of 3 states has `next_state` of shape \(2, 2, 2, 2\)"),
        ("action_dist", lambda table: np.full((2, 3), 1 / 3), r"`action_dist` of shape \(2, 3\), .* which do not fit"),
        ("start", lambda table: np.array([1.0]), "1 starts and 2 labels, which do not fit"),
        ("labels", lambda labels: labels[:1], "2 starts and 1 labels, which do not fit"),
        ("start", lambda table: np.array([0.5, 0.6]), "`start` of an automaton must be probabilities that sum to 1"),
        ("start", lambda table: np.array([1.5, -0.5]), "`start` of an automaton must be probabilities"),
        ("action_dist", lambda table: table / 2, "`action_dist` of an automaton must be probabilities"),
        ("chance", lambda table: table * 2, "`chance` of an automaton must be probabilities"),
        ("next_state", lambda table: table + 1, "`next_state` must be 0 to 1, got 2"),
    ],
)
def test_what_makes_no_automaton_is_told(simple, field, change, message):
    with pytest.raises(ValueError, match=message):
        replace(simple, **{field: change(getattr(simple, field))})


def test_outcomes_are_those_that_can_come(simple):
    assert simple.outcomes(0, 1, 0) == [(1.0, 0)]
    assert simple.outcomes(1, 0, 1) == [(0.75, 1), (0.25, 0)]


@pytest.mark.parametrize(
    ("spec", "reactive"),
    [
        ("single", False),
        ("uniform", False),
        ("cycle", False),
        ("drift", False),
        ("noisy_single", False),
        ({"name": "switch", "of": "single", "to": "cycle", "at": 3}, False),
        ({"name": "one_of", "pool": ["single", "drift"]}, False),
        ("tit_for_tat", True),
        ("generous_tit_for_tat", True),
        ("grim", True),
        ("win_stay_lose_shift", True),
        ("q_learner", True),
        ("fictitious_player", True),
        ("markov", True),
        ({"name": "switch", "of": "single", "to": "tit_for_tat", "at": 3}, True),
        ("single_or_tit_for_tat", True),
    ],
)
def test_who_takes_notice_is_known(spec, reactive):
    assert make_partner(spec).automaton(IPD, 6).reactive is reactive


def test_a_state_is_found_once_however_it_is_reached():
    found = explore(
        starts={0: 1.0},
        play=lambda state: [1.0],
        step=lambda state, a, b: (state + 1 + a) % 5,
        num_actions=2,
        horizon=9,
        name="x",
    )
    assert sorted(found.labels) == ["0", "1", "2", "3", "4"]
    for state, label in enumerate(found.labels):
        reached = [found.labels[found.outcomes(state, action, 0)[0][1]] for action in (0, 1)]
        assert reached == [str((int(label) + 1) % 5), str((int(label) + 2) % 5)]


@pytest.mark.parametrize("horizon", [1, 2, 5])
def test_a_horizon_bounds_the_states(horizon):
    found = explore(
        starts={0: 1.0},
        play=lambda state: [1.0],
        step=lambda state, a, b: state + 1,
        num_actions=1,
        horizon=horizon,
        name="x",
    )
    assert found.labels == tuple(map(str, range(horizon + 1)))


def test_chance_of_a_step_becomes_that_of_the_automaton():
    found = explore(
        starts={"a": 0.25, "b": 0.75},
        play=lambda state: [0.5, 0.5],
        step=lambda state, action, own: [(0.2, "a"), (0.8, "c")] if action == own else "b",
        num_actions=2,
        horizon=3,
        name="x",
    )
    labels = found.labels
    assert dict(zip(labels, found.start.tolist(), strict=True)) == {"a": 0.25, "b": 0.75, "c": 0}
    assert [(share, labels[after]) for share, after in found.outcomes(0, 1, 1)] == [(0.2, "a"), (0.8, "c")]
    assert [(share, labels[after]) for share, after in found.outcomes(0, 1, 0)] == [(1.0, "b")]


def test_too_many_states_are_refused(monkeypatch):
    monkeypatch.setattr("agent_tom.partners.automaton.MOST_MOVES", 100)
    message = r"partner 'fictitious_player' has more than \d+ states in 30 rounds of a game of 3 by 3 actions; choose"
    with pytest.raises(ValueError, match=message):
        make_partner("fictitious_player").automaton(RPS, 30)
    assert make_partner("fictitious_player").automaton(RPS, 1).num_states == 4


def test_a_union_is_worth_the_weighted_mean_of_its_parts():
    parts = [
        Drift(rate=0.2).automaton(IPD, 10),
        Single(action=0).automaton(IPD, 10),
        make_partner("grim").automaton(IPD, 10),
    ]
    worth = [part.start @ best_response(IPD, part, 10).values[0] for part in parts]
    whole = union(parts, [1.0, 2.0, 5.0])
    assert whole.start @ best_response(IPD, whole, 10).values[0] == pytest.approx(np.dot([1, 2, 5], worth) / 8)
    assert whole.labels[:3] == ("0: 0", "0: 1", "1: 0")


@pytest.mark.parametrize(
    ("games", "weights"),
    [((IPD, RPS), [1.0, 1.0]), ((IPD, IPD), [1.0]), ((), [])],
    ids=["other games", "one weight", "none"],
)
def test_parts_that_do_not_fit_are_told(games, weights):
    with pytest.raises(ValueError, match=f"partners of one game and a weight of at least 0 for each, got {len(games)}"):
        union([Single().automaton(game, 3) for game in games], weights)


def test_an_automaton_is_not_played_for_longer_than_it_was_made_for():
    game = make_game("ipd")
    short = make_partner("fictitious_player").automaton(game, 3)
    assert short.horizon == 3
    for use in (lambda: best_response(game, short, 4), lambda: play(game, short, Fixed(), horizon=4, episodes=1)):
        with pytest.raises(ValueError, match="the partner's automaton was made for 3 rounds, but 4 are to be played"):
            use()
    play(game, short, Fixed(), horizon=3, episodes=1)
    mixed = {"name": "one_of", "pool": ["single", {"name": "noisy", "of": "fictitious_player"}]}
    assert make_partner(mixed).automaton(game, 3).horizon == 3
    assert (
        make_partner({"name": "switch", "of": "single", "to": "fictitious_player", "at": 2}).automaton(game, 5).horizon
        == 5
    )
    assert (
        make_partner({"name": "switch", "of": "fictitious_player", "to": "grim", "at": 2}).automaton(game, 5).horizon
        is None
    )
    assert make_partner("tit_for_tat").automaton(game, 1).horizon is None
