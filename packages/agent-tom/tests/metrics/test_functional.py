"""Three estimators of one loss: what they agree on, and where one of them is blind."""

from itertools import product

import numpy as np
import pytest

from agent_tom.agents import make_agent
from agent_tom.games import make_game
from agent_tom.metrics import advantage_regret, myopic_regret, path_regret
from agent_tom.oracle import best_response
from agent_tom.partners import make_partner
from agent_tom.playing.episodes import play

IPD, RPS = make_game("ipd"), make_game("rps")
HORIZON = 30
STEADY = [
    "single",
    "uniform",
    {"name": "mixture", "weights": "rising"},
    "cycle",
    "two_cycle",
    "drift",
    "tit_for_tat",
    "generous_tit_for_tat",
    "tit_for_two_tats",
    "grim",
    "win_stay_lose_shift",
    {"name": "level_k", "level": 1},
    "level_k",
    {"name": "level_k", "level": 3},
    "conditional_cooperator",
    "q_learner",
    "markov",
    "noisy_single",
    "noisy_tit_for_tat",
    {"name": "permuted", "of": "tit_for_tat", "order": "reversed"},
    {"name": "switch", "of": "single", "to": "tit_for_tat", "at": 20},
    "single_or_tit_for_tat",
    "fictitious_player",
]
GAMES = ["rps", "ibs", "ipd", "matching_pennies", "stag_hunt", "chicken"]
CROWD = {"name": "crowd", "members": ["noisy_tit_for_tat", "conditional_cooperator", "win_stay_lose_shift"]}


def made(spec, game):
    if isinstance(spec, dict):
        count = game.num_partner_actions
        own = {"rising": [float(one + 1) for one in range(count)], "reversed": list(range(count))[::-1]}
        spec = {key: own.get(value, value) if isinstance(value, str) else value for key, value in spec.items()}
    return make_partner(spec).automaton(game, HORIZON)


@pytest.mark.parametrize("name", [*GAMES, "public_goods_4"])
def test_the_oracle_loses_nothing(name):
    game = make_game(name)
    for spec in STEADY if name != "public_goods_4" else [*STEADY, CROWD]:
        automaton = made(spec, game)
        solution = best_response(game, automaton, HORIZON)
        episodes = play(game, automaton, make_agent("oracle"), horizon=HORIZON, episodes=20, solution=solution)
        assert np.abs(advantage_regret(solution, episodes)).max() <= 1e-9, spec


@pytest.mark.parametrize("game", [IPD, RPS], ids=lambda game: game.name)
@pytest.mark.parametrize("spec", ["noisy_single", "noisy_tit_for_tat", "q_learner", "markov"])
def test_the_oracle_earns_the_value_on_average(game, spec):
    automaton = made(spec, game)
    solution = best_response(game, automaton, HORIZON)
    episodes = play(game, automaton, make_agent("oracle"), horizon=HORIZON, episodes=200, solution=solution)
    path = path_regret(solution, episodes)
    assert 0 < abs(path.mean()) < 4 * path.std() / 200**0.5


@pytest.mark.parametrize("name", ["rps", "chicken", "public_goods_4"])
@pytest.mark.parametrize("spec", ["noisy_tit_for_tat", "q_learner", "markov"])
def test_no_move_loses_less_than_nothing(name, spec):
    game = make_game(name)
    automaton = made(spec, game)
    solution = best_response(game, automaton, HORIZON)
    episodes = play(game, automaton, make_agent("uniform"), horizon=HORIZON, episodes=20)
    regret = advantage_regret(solution, episodes)
    assert regret.min() >= -1e-9
    assert regret.max() > 0.1


@pytest.mark.parametrize("name", ["rps", "ipd", "chicken"])
@pytest.mark.parametrize("spec", ["single", "cycle", "tit_for_tat", "tit_for_two_tats", "grim", "win_stay_lose_shift"])
def test_without_lots_advantage_and_path_are_one_number(episodes_of, walk, name, spec):
    game, rounds = make_game(name), 4
    automaton = make_partner(spec).automaton(game, rounds)
    sequences = list(product(range(game.num_actions), repeat=rounds))
    firsts = [int(automaton.action_dist[one].argmax()) for one in np.flatnonzero(automaton.start)]
    for first in firsts:
        others = [walk(automaton, focal, first) for focal in sequences]
        states = [passed(automaton, focal, first) for focal in sequences]
        episodes = episodes_of(game, sequences, others, states)
        solution = best_response(game, automaton, rounds)
        assert advantage_regret(solution, episodes).mean(-1) == pytest.approx(path_regret(solution, episodes))


def passed(automaton, focal, first):
    (state,) = [one for one in np.flatnonzero(automaton.start).tolist() if automaton.action_dist[one, first] == 1]
    found = []
    for action in focal:
        found.append(state)
        ((_, state),) = automaton.outcomes(state, action, int(automaton.action_dist[state].argmax()))
    return found


def test_advantage_has_the_mean_of_path_and_less_noise():
    automaton = make_partner("noisy_single").automaton(RPS, 100)
    solution = best_response(RPS, automaton, 100)
    episodes = play(RPS, automaton, make_agent("ucb"), horizon=100, episodes=300)
    advantage, path = advantage_regret(solution, episodes).mean(-1), path_regret(solution, episodes)
    difference = path - advantage
    assert abs(difference.mean()) < 4 * difference.std() / 300**0.5
    assert path.var() > 5 * advantage.var()


def test_always_to_defect_looks_faultless_to_the_myopic():
    automaton = make_partner("tit_for_tat").automaton(IPD, 100)
    solution = best_response(IPD, automaton, 100)
    episodes = play(IPD, automaton, make_agent({"name": "fixed", "action": 1}), horizon=100, episodes=10)
    assert not myopic_regret(IPD, episodes).any()
    # Of 8 + 98 * 8 + 10 and 0 + 98 * 8 + 10 it earns 10 + 99 * 5 and 5 + 99 * 5.
    expected = np.where(episodes.states[:, 0] == 0, 802 - 505, 794 - 500) / 100
    assert set(expected.tolist()) == {2.97, 2.94}
    assert advantage_regret(solution, episodes).mean(-1) == pytest.approx(expected)
    assert path_regret(solution, episodes) == pytest.approx(expected)


def test_advantage_says_which_round_lost_the_points(episodes_of):
    automaton = make_partner("tit_for_tat").automaton(IPD, 4)
    solution = best_response(IPD, automaton, 4)
    episodes = episodes_of(IPD, [[0, 0, 1, 1], [1, 0, 0, 1], [0, 0, 0, 0]], [[0, 0, 0, 1], [0, 1, 0, 0], [0, 0, 0, 0]])
    # To defect a round early earns 10 + 5 instead of 8 + 10; two rounds more at 8 cost 10 + 0 instead of 8 + 8;
    # to cooperate in the last round, 8 instead of 10.
    assert advantage_regret(solution, episodes) == pytest.approx(np.array([[0, 0, 3, 0], [6, 0, 0, 0], [0, 0, 0, 2]]))


def test_the_myopic_compares_with_the_best_reply_to_what_came(episodes_of):
    episodes = episodes_of(make_game("ibs"), [[0, 0, 1, 1]], [[0, 1, 0, 1]])
    assert myopic_regret(make_game("ibs"), episodes).tolist() == [[0, 7, 10, 0]]


def test_without_the_end_in_sight_steady_cooperation_loses_nothing():
    automaton = make_partner("tit_for_tat").automaton(IPD, 60)
    episodes = play(IPD, automaton, make_agent({"name": "fixed", "action": 0}), horizon=30, episodes=4)
    short, long = (advantage_regret(best_response(IPD, automaton, rounds), episodes) for rounds in (30, 60))
    assert short.sum(-1) == pytest.approx([2] * 4)
    assert long == pytest.approx(np.zeros((4, 30)))
