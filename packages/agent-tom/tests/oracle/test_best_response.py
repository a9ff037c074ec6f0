"""The optimum is what trying everything finds, and the scale of the paper's cells is exact."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_tom.games import make_game
from agent_tom.oracle import best_response, scale_of, value_of, worst_value
from agent_tom.partners import Markov, make_partner


def earned(game, automaton, state, actions):
    """Of a sequence of moves against a partner that draws no lots."""
    total = 0.0
    for action in actions:
        own = int(automaton.action_dist[state].argmax())
        total += game.payoffs[action, own]
        ((_, state),) = automaton.outcomes(state, action, own)
    return total


@pytest.mark.parametrize("game", ["rps", "ibs", "ipd", "public_goods_4"])
@pytest.mark.parametrize(
    "spec",
    ["single", "cycle", "tit_for_tat", "tit_for_two_tats", "grim", "win_stay_lose_shift", "conditional_cooperator"],
)
def test_the_optimum_is_the_best_of_all_sequences(game, spec):
    game, rounds = make_game(game), 5
    automaton = make_partner(spec).automaton(game, rounds)
    solution, worst = best_response(game, automaton, rounds), 0.0
    for state in np.flatnonzero(automaton.start).tolist():
        sums = {one: earned(game, automaton, state, one) for one in product(range(game.num_actions), repeat=rounds)}
        worst += automaton.start[state] * min(sums.values())
        assert solution.values[0, state] == pytest.approx(max(sums.values()))
        for first in range(game.num_actions):
            best = max(total for actions, total in sums.items() if actions[0] == first)
            assert solution.action_values[0, state, first] == pytest.approx(best)
    assert worst_value(game, automaton, rounds) == pytest.approx(worst)


def expected(game, automaton, rounds, plan):
    """Of a policy ``plan[round, state]`` that is sure of its actions, by the sum over all that can happen."""

    def rest(played, state):
        if played == rounds:
            return 0.0
        action, total = plan[played, state], 0.0
        for own in range(game.num_partner_actions):
            chance = automaton.action_dist[state, own]
            later = sum(share * rest(played + 1, after) for share, after in automaton.outcomes(state, action, own))
            total += chance * (game.payoffs[action, own] + later)
        return total

    return sum(automaton.start[state] * rest(0, state) for state in range(automaton.num_states))


@pytest.mark.parametrize("game", ["ipd", "ibs", "matching_pennies"])
@pytest.mark.parametrize("spec", ["noisy_tit_for_tat", "drift", {"name": "noisy", "of": "win_stay_lose_shift"}])
def test_against_lots_the_optimum_is_the_best_of_all_policies(game, spec):
    game, rounds = make_game(game), 3
    automaton = make_partner(spec).automaton(game, rounds)
    places = list(product(range(rounds), range(automaton.num_states)))
    worth = [
        expected(game, automaton, rounds, dict(zip(places, actions, strict=True)))
        for actions in product(range(2), repeat=len(places))
    ]
    scale = scale_of(game, automaton, rounds)
    assert scale.best * rounds == pytest.approx(max(worth))
    assert scale.worst * rounds == pytest.approx(min(worth))
    assert scale.uniform * rounds == pytest.approx(np.mean(worth))  # each action alike, each time


@pytest.mark.parametrize(("first", "second"), [(0, 1), (1, 0), (1, 1)])
def test_a_policy_is_worth_what_it_earns(first, second):
    game = make_game("ipd")
    automaton = make_partner("noisy_tit_for_tat").automaton(game, 4)
    plan = {(played, state): (first, second)[state] for played in range(4) for state in range(2)}
    policy = np.eye(2)[[first, second]]
    assert value_of(game, automaton, 4, policy) == pytest.approx(expected(game, automaton, 4, plan))


@pytest.mark.parametrize(
    ("game", "spec", "uniform", "largest"),
    [
        ("rps", "single", "1.00", "2.00"),
        ("rps", "tit_for_tat", "1.00", "2.00"),
        ("ibs", "single", "4.25", "8.50"),
        ("ibs", "tit_for_tat", "5.70", "9.95"),
        ("ipd", "single", "1.75", "3.50"),
        ("ipd", "tit_for_tat", "2.23", "3.005"),
    ],
)
def test_the_scale_of_the_papers_cells(game, spec, uniform, largest):
    game = make_game(game)
    scale = scale_of(game, make_partner(spec).automaton(game, 100), 100)
    assert f"{scale.uniform_regret:.{len(uniform) - 2}f}" == uniform
    assert f"{scale.largest_regret:.{len(largest) - 2}f}" == largest


def test_the_scale_of_the_dilemma_by_hand():
    game = make_game("ipd")
    scale = scale_of(game, make_partner("tit_for_tat").automaton(game, 100), 100)
    # Cooperate to the last round but one; the partner's first move is 8 or 0.
    assert scale.best == pytest.approx(((8 + 0) / 2 + 98 * 8 + 10) / 100)
    # Its moves are then copies of random ones.
    assert scale.uniform == pytest.approx((8 + 0 + 10 + 5) / 4)
    # Defect, and give in the last round.
    assert scale.worst == pytest.approx(((10 + 5) / 2 + 98 * 5 + 0) / 100)


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.sampled_from(["rps", "ipd", "chicken"]), st.integers(1, 12))
def test_no_policy_leaves_the_scale(seed, name, rounds):
    game = make_game(name)
    automaton = Markov(seed=seed).automaton(game, rounds)
    size = (automaton.num_states, game.num_actions)
    policy = np.random.default_rng(seed).dirichlet(np.ones(size[1]), size=size[0])
    scale = scale_of(game, automaton, rounds)
    worth = value_of(game, automaton, rounds, policy) / rounds
    assert scale.worst - 1e-9 <= worth <= scale.best + 1e-9
    assert scale.worst <= scale.uniform <= scale.best


@pytest.mark.parametrize("spec", ["noisy_tit_for_tat", "q_learner", "markov"])
def test_a_longer_game_ends_as_a_shorter_one(spec):
    game = make_game("ipd")
    automaton = make_partner(spec).automaton(game, 30)
    long, short = best_response(game, automaton, 30), best_response(game, automaton, 12)
    assert np.array_equal(long.values[18:], short.values)
    assert np.array_equal(long.action_values[18:], short.action_values)
    assert not long.values[30].any()


def test_the_policy_shares_what_is_best_evenly():
    game = make_game("ipd")
    automaton = make_partner("tit_for_tat").automaton(game, 3)
    policy = best_response(game, automaton, 3).policy
    # Cooperate, and defect when nothing follows; before that, 5 + 5 is as good as 0 + 10.
    assert policy.tolist() == [[[1, 0], [1, 0]], [[1, 0], [0.5, 0.5]], [[0, 1], [0, 1]]]
    uniform = make_partner("uniform").automaton(make_game("rps"), 2)
    assert best_response(make_game("rps"), uniform, 2).policy == pytest.approx(np.full((2, 1, 3), 1 / 3))
