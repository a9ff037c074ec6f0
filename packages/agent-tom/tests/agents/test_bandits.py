"""Learners from payoffs alone, by their formulas."""

from math import e, exp, log, sqrt

import numpy as np
import pytest
from scipy.stats import norm

from agent_tom.agents import EXP3, UCB, QLearning, Thompson
from agent_tom.games import make_game

IPD, RPS = make_game("ipd"), make_game("rps")
NO_DRAWS = np.empty((1, 0))


def told(agent, rounds):
    for action, other, payoff in rounds:
        agent.observe(np.array([action]), np.array([other]), np.array([float(payoff)]))


def test_ucb_tries_everything_once():
    agent = UCB()
    agent.begin(RPS, 10, 1)
    assert agent.act(NO_DRAWS) == pytest.approx(np.array([[1 / 3] * 3]))
    told(agent, [(1, 0, 1)])
    assert agent.act(NO_DRAWS).tolist() == [[0.5, 0, 0.5]]
    told(agent, [(2, 0, -1)])
    assert agent.act(NO_DRAWS).tolist() == [[1, 0, 0]]


def test_ucb_by_hand():
    agent = UCB()
    agent.begin(RPS, 10, 1)
    told(agent, [(0, 2, 1), (1, 1, 0), (2, 0, -1)])  # on the scale 0 to 1: 1, 1/2, 0, with one bonus for all
    assert agent.act(NO_DRAWS).tolist() == [[1, 0, 0]]
    told(agent, [(0, 1, -1)])  # 1/2 + sqrt(2 log 4 / 2) against 1/2 + sqrt(2 log 4)
    assert agent.act(NO_DRAWS).tolist() == [[0, 1, 0]]


@pytest.mark.parametrize("exploration", [0.5, 2.0])
def test_ucb_takes_the_highest_bound(exploration):
    draws, agent = np.random.default_rng(0), UCB(exploration=exploration)
    agent.begin(IPD, 50, 1)
    earned: list[list[float]] = [[], []]
    taken = set()
    for played in range(50):
        action, other = (played, 0) if played < 2 else draws.integers(2, size=2).tolist()
        payoff = IPD.payoffs[action, other]
        told(agent, [(action, other, payoff)])
        earned[action].append(payoff / 10)
        if played:
            bound = [np.mean(one) + sqrt(exploration * log(played + 1) / len(one)) for one in earned]
            assert agent.act(NO_DRAWS)[0].argmax() == np.argmax(bound)
            taken.add(int(np.argmax(bound)))
    assert taken == {0, 1}


def test_exp3_by_hand():
    agent = EXP3(rate=0.2)
    agent.begin(IPD, 10, 1)
    assert agent.act(NO_DRAWS) == pytest.approx(np.array([[0.5, 0.5]]))
    told(agent, [(0, 0, 8)])  # 0.8 earned with chance 0.5: the weight grows by exp(0.2 * 1.6 / 2)
    share = exp(0.16) / (exp(0.16) + 1)
    first = 0.8 * share + 0.1
    assert agent.act(NO_DRAWS) == pytest.approx(np.array([[first, 1 - first]]))
    told(agent, [(1, 1, 5)])
    weight = exp(0.2 * 0.5 / (1 - first) / 2)
    share = exp(0.16) / (exp(0.16) + weight)
    assert agent.act(NO_DRAWS)[0, 0] == pytest.approx(0.8 * share + 0.1)


@pytest.mark.parametrize(("horizon", "rate"), [(1, 1.0), (100, sqrt(3 * log(3) / ((e - 1) * 100)))])
def test_exp3_learns_by_the_horizon(horizon, rate):
    agents = [EXP3(), EXP3(rate=rate)]
    for agent in agents:
        agent.begin(RPS, horizon, 1)
        agent.act(NO_DRAWS)
        told(agent, [(0, 2, 1)])
    assert agents[0].act(NO_DRAWS) == pytest.approx(agents[1].act(NO_DRAWS))


@pytest.mark.parametrize(
    ("draws", "action"),
    [
        ([0.5, 0.5], 0),  # at the middle the means decide: (0.5 + 0.8) / 2 against 0.5
        ([norm.cdf(-1), 0.5], 1),  # 0.65 - 0.5 / sqrt(2) is less than 0.5
        ([norm.cdf(-1), norm.cdf(-1)], 0),  # 0.296 against 0.5 - 0.5
        ([norm.cdf(1), norm.cdf(1)], 0),  # 1.004 against 1
        ([norm.cdf(1), norm.cdf(1.1)], 1),  # the untried spreads further: 1.004 against 1.05
    ],
)
def test_thompson_by_hand(draws, action):
    agent = Thompson()
    agent.begin(IPD, 10, 1)
    told(agent, [(0, 0, 8)])
    assert agent.act(np.array([draws])).tolist() == [np.eye(2)[action].tolist()]


@pytest.mark.parametrize("game", [IPD, RPS], ids=lambda game: game.name)
def test_thompson_asks_for_a_draw_an_action(game):
    agent = Thompson()
    agent.begin(game, 10, 1)
    assert agent.num_draws == game.num_actions


@pytest.mark.parametrize(("discount", "greedy"), [(0.9, 1), (0.0, 0)])
def test_q_learning_by_hand(discount, greedy):
    agent = QLearning(discount=discount)
    agent.begin(IPD, 10, 1)
    # After (0, 0) nothing is known; to have played (1, 0) is worth 5 half learnt, and so 2.25 where it leads there.
    told(agent, [(1, 0, 0), (0, 0, 10), (1, 0, 0), (0, 0, 0)])
    # To stay at (0, 0) earns 2 and leads to the 2.25: (2 + 0.9 * 2.25) / 2 = 2.0125. Without a future it is 1 to 0.
    told(agent, [(0, 0, 2)])
    dist = [0.05, 0.05]
    dist[greedy] = 0.95
    assert agent.act(NO_DRAWS) == pytest.approx(np.array([dist]))


def test_q_learning_agrees_with_a_table_of_its_own():
    agent, draws = QLearning(learning_rate=0.3, discount=0.8, epsilon=0.2), np.random.default_rng(1)
    agent.begin(RPS, 200, 1)
    table: dict[object, list[float]] = {}
    last: object = "start"
    for _ in range(200):
        values = table.setdefault(last, [0.0] * 3)
        ties = [abs(value - max(values)) < 1e-9 for value in values]
        expected = [0.8 * tie / sum(ties) + 0.2 / 3 for tie in ties]
        assert agent.act(NO_DRAWS) == pytest.approx(np.array([expected]))
        action, other = draws.integers(3, size=2).tolist()
        payoff = RPS.payoffs[action, other]
        told(agent, [(action, other, payoff)])
        ahead = max(table.setdefault((action, other), [0.0] * 3))
        values[action] = 0.7 * values[action] + 0.3 * (payoff + 0.8 * ahead)
        last = action, other
