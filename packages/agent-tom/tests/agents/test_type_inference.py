"""Odds follow Bayes, and looking ahead to the end is the best that can be done with them."""

from functools import cache

import numpy as np
import pytest

from agent_tom.agents import TypeInference
from agent_tom.agents.type_inference import joint_transitions
from agent_tom.games import greedy, make_game
from agent_tom.oracle import best_response
from agent_tom.partners import make_partner

IPD = make_game("ipd")
NO_DRAWS = np.empty((1, 0))


def begun(pool, game=IPD, horizon=10, depth=None):
    agent = TypeInference(pool=pool, depth=depth)
    agent.begin(game, horizon, 1)
    return agent


def told(agent, rounds):
    for action, other in rounds:
        agent.observe(np.array([action]), np.array([other]), np.array([0.0]))


def test_odds_by_hand():
    agent = begun(("single", "tit_for_tat"))
    assert agent.predict().tolist() == [[0.5, 0.5]]
    told(agent, [(1, 0)])  # either always 0, or an answer that will be 1
    assert agent.predict().tolist() == [[0.5, 0.5]]
    told(agent, [(0, 1)])  # it was an answer
    assert agent.predict().tolist() == [[1, 0]]
    told(agent, [(1, 0)])
    assert agent.predict().tolist() == [[0, 1]]


def test_odds_of_what_trembles_by_hand():
    agent = begun(("noisy_single", "uniform"))
    told(agent, [(0, 0)])  # 0.95 or 0.05 against 0.5
    odds = np.array([0.25 * 0.95, 0.25 * 0.05, 0.5 * 0.5])
    assert agent.predict()[0, 0] == pytest.approx(odds @ [0.95, 0.05, 0.5] / odds.sum())
    told(agent, [(1, 1)])
    odds *= [0.05, 0.95, 0.5]
    assert agent.predict()[0, 0] == pytest.approx(odds @ [0.95, 0.05, 0.5] / odds.sum())


def test_a_move_that_nobody_makes_sets_the_odds_back():
    agent = begun(("single", "tit_for_tat"))
    told(agent, [(1, 0), (1, 1)])
    assert agent.predict().tolist() == [[0, 1]]
    told(agent, [(1, 0)])
    assert agent.predict().tolist() == [[0.5, 0.5]]


POOLS = [("single", "tit_for_tat"), ("noisy_tit_for_tat", "win_stay_lose_shift"), ("grim", "tit_for_two_tats", "drift")]


@pytest.mark.parametrize("pool", POOLS, ids=", ".join)
@pytest.mark.parametrize("name", ["ipd", "chicken"])
def test_looking_ahead_to_the_end_is_the_best_of_all_plans(chances, pool, name):
    game, horizon = make_game(name), 4
    parts = [make_partner(one).automaton(game, horizon) for one in pool]

    @cache
    def values(history):
        """Of each action, times the chance of what the partner did in the history."""
        likely = np.mean([chances(part, history) for part in parts], axis=0)
        after = np.zeros((2, 2))
        if len(history) < horizon - 1:
            for action, other in np.ndindex(2, 2):
                after[action, other] = values((*history, (action, other))).max()
        return game.payoffs @ likely + after.sum(1)

    for history in [(), ((0, 0),), ((1, 0),), ((0, 1), (1, 1)), ((1, 0), (0, 1)), ((1, 0), (1, 1), (0, 1))]:
        if chances_of(chances, parts, history) == 0:
            continue
        agent = begun(pool, game, horizon, depth=horizon)
        told(agent, history)
        assert agent.act(NO_DRAWS)[0] == pytest.approx(greedy(values(history)))


def chances_of(chances, parts, history):
    return sum(chances(part, history).sum() for part in parts)


def test_without_looking_ahead_values_are_averages():
    pool, horizon = ("single", "tit_for_tat", "drift"), 6
    for name in ("ipd", "chicken", "ibs"):
        game = make_game(name)
        parts = [make_partner(one).automaton(game, horizon) for one in pool]
        table = np.mean([part.start @ best_response(game, part, horizon).action_values[0] for part in parts], axis=0)
        assert begun(pool, game, horizon, depth=0).act(NO_DRAWS)[0] == pytest.approx(greedy(table))


def test_looking_ahead_changes_the_play():
    # Averages take for granted that the partner will be known: cooperate, which would be right with tit-for-tat.
    assert begun(("single", "tit_for_tat"), horizon=3, depth=0).act(NO_DRAWS).tolist() == [[1, 0]]
    assert begun(("single", "tit_for_tat"), horizon=3, depth=3).act(NO_DRAWS).tolist() == [[0, 1]]


@pytest.mark.parametrize(("game", "depth"), [("ipd", 3), ("rps", 2)])
def test_small_games_are_looked_into_further(game, depth):
    game, pool = make_game(game), ("single", "tit_for_tat", "cycle")
    agents = [begun(pool, game, depth=each) for each in (None, depth)]
    values = [agent._lookahead(agent._beliefs, 0, agent._depth) for agent in agents]
    assert np.array_equal(values[0], values[1])
    assert not np.allclose(values[0], agents[0]._lookahead(agents[0]._beliefs, 0, depth - 1))


def test_a_pool_with_a_long_memory_is_refused():
    message = r"`pool` has \d+ states in ipd over 100 rounds, at most 300; leave partners with a long memory out"
    with pytest.raises(ValueError, match=message):
        begun(("single", "fictitious_player"), horizon=100)


@pytest.mark.parametrize("spec", ["q_learner", "drift", "noisy_tit_for_tat"])
def test_joint_moves_lead_where_the_automaton_does(spec):
    automaton = make_partner(spec).automaton(IPD, 5)
    moves = joint_transitions(automaton)
    assert moves.sum((1, 3)) == pytest.approx(np.ones((2, automaton.num_states)))
    for action, other, state in np.ndindex(2, 2, automaton.num_states):
        expected = np.zeros(automaton.num_states)
        for share, after in automaton.outcomes(state, action, other):
            expected[after] += share * automaton.action_dist[state, other]
        assert moves[action, other, state] == pytest.approx(expected)
