"""Partners that learn, against accounts of their own."""

from functools import cache
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_tom.games import make_game
from agent_tom.partners import FictitiousPlayer, Markov, QLearner

IPD, RPS = make_game("ipd"), make_game("rps")
ROUNDS = 7


@cache
def fictitious(name):
    return FictitiousPlayer().automaton(make_game(name), ROUNDS)


@given(st.sampled_from(["rps", "ipd", "ibs", "stag_hunt", "chicken", "matching_pennies"]), st.data())
def test_the_fictitious_player_replies_best_to_counts(name, data):
    game, automaton = make_game(name), fictitious(name)
    focal = data.draw(st.lists(st.integers(0, game.num_actions - 1), max_size=ROUNDS))
    state = 0
    for played in range(len(focal) + 1):
        counts = [focal[:played].count(action) for action in range(game.num_actions)]
        earned = [
            sum(n * game.partner_payoffs[a, own] for a, n in enumerate(counts)) for own in range(game.num_actions)
        ]
        best = [abs(value - max(earned)) < 1e-6 for value in earned]
        assert automaton.action_dist[state].tolist() == pytest.approx([one / sum(best) for one in best])
        if played < len(focal):
            ((_, state),) = automaton.outcomes(state, focal[played], 0)


@pytest.mark.parametrize(
    ("state", "action", "own", "after"),
    [
        # Payoffs 0 to 10 on levels 0 to 4: 8 is 3.2, 5 is 2. Half way there, rounded towards the news.
        ((2, 2), 0, 0, (3, 2)),
        ((2, 2), 1, 0, (1, 2)),
        ((1, 2), 1, 0, (0, 2)),
        ((2, 2), 0, 1, (2, 3)),
        ((2, 3), 0, 1, (2, 4)),
        ((2, 4), 1, 1, (2, 3)),
        ((0, 2), 1, 0, (0, 2)),
        ((1, 2), 1, 1, (1, 2)),
    ],
)
def test_a_q_learners_update_by_hand(state, action, own, after):
    assert QLearner().step(IPD, state, action, own) == after


@pytest.mark.parametrize("game", [IPD, RPS, make_game("stag_hunt")], ids=lambda game: game.name)
@pytest.mark.parametrize(("levels", "rate"), [(5, 0.5), (4, 0.2), (3, 1.0)])
def test_values_stay_on_the_grid_and_reach_its_ends(game, levels, rate):
    learner = QLearner(levels=levels, learning_rate=rate)
    (start,) = learner.starts(game)
    found, fresh = {start}, [start]
    while fresh:
        state = fresh.pop()
        moves = product(range(game.num_actions), range(game.num_partner_actions))
        reached = {learner.step(game, state, *move) for move in moves} - found
        found |= reached
        fresh += reached
    assert {value for state in found for value in state} == set(range(levels))
    assert learner.automaton(game, 40).num_states == len(found)


def test_a_q_learner_takes_its_best_action_and_trembles(chances):
    automaton = QLearner(epsilon=0.2).automaton(IPD, 5)
    assert chances(automaton).tolist() == [0.5, 0.5]
    assert chances(automaton, [(1, 0)]) == pytest.approx([0.5 * 0.1, 0.5 * 0.9])  # to cooperate alone earned nothing


TABLE = ((0.1, 0.9), (0.2, 0.8), (0.3, 0.7), (1.0, 0.0))


def test_a_row_follows_its_joint_move(chances):
    automaton = Markov(table=TABLE).automaton(IPD, 5)
    for action, own in product(range(2), repeat=2):
        assert chances(automaton, [(action, own)]) == pytest.approx(0.5 * np.array(TABLE[2 * action + own]))
    assert chances(automaton, [(0, 1), (1, 0)]) == pytest.approx(0.5 * 0.2 * np.array(TABLE[2]))


def test_of_two_joint_moves_the_older_comes_first(chances):
    table = tuple((row / 16, 1 - row / 16) for row in range(16))
    automaton = Markov(order=2, table=table).automaton(IPD, 5)
    assert chances(automaton, [(1, 0)]).tolist() == [0.25, 0.25]  # one move is too few to look up
    assert chances(automaton, [(1, 0), (0, 1)]) == pytest.approx(0.25 * np.array(table[2 * 4 + 1]))
    assert chances(automaton, [(1, 0), (0, 1), (1, 1)]) == pytest.approx(0.25 * table[9][1] * np.array(table[4 + 3]))


def test_a_table_is_that_of_its_seed():
    def dists(seed):
        return Markov(seed=seed).automaton(RPS, 5).action_dist.tolist()

    assert dists(1) == dists(1) != dists(2)


@pytest.mark.parametrize("table", [TABLE[:3], ((0.5, 0.25, 0.25),) * 4])
def test_a_table_of_another_game_is_told(table):
    with pytest.raises(ValueError, match=f"`table` of order 1 must have 4 rows of 2 in ipd, got {len(table)}"):
        Markov(table=table).automaton(IPD, 5)
