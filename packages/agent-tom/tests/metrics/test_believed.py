"""What an agent would lose that acted on its own predictions."""

from dataclasses import replace

import numpy as np
import pytest

from agent_tom.agents import make_agent
from agent_tom.games import make_game
from agent_tom.metrics import (
    advantage_regret,
    coherence,
    fitted_rule,
    myopic_believed_regret,
    planned_believed_regret,
    plans_from,
)
from agent_tom.oracle import best_response
from agent_tom.partners import Mixture, make_partner
from agent_tom.playing.episodes import play

IPD, IBS, RPS = map(make_game, ("ipd", "ibs", "rps"))


def test_coherence_by_hand(episodes_of):
    predictions = [[[1, 0, 0], [1, 0, 0], [0.5, 0.5, 0], [1 / 3] * 3, [0.5, 0, 0.5]]]
    # Paper beats rock, twice; paper or scissors is best; anything; rock or paper. The replies, in turn:
    episodes = episodes_of(RPS, [[1, 0, 2, 2, 0]], [[0] * 5], predictions=predictions)
    # Rock or scissors: rock earns -0 + 1 half the time, paper 1 and -1, scissors -1 and 0.
    assert coherence(RPS, episodes).tolist() == [[1, 0, 0, 1, 1]]


def test_myopic_regret_of_beliefs_by_hand(episodes_of):
    automaton = Mixture(weights=(0.8, 0.2)).automaton(IBS, 5)
    predictions = [[[0.9, 0.1], [0.1, 0.9], [7 / 17, 10 / 17]]]
    episodes = episodes_of(IBS, [[0, 0, 0]], [[0, 0, 0]], [[0, 0, 0]], predictions)
    # The replies are worth 8 and 1.4, whatever was played; the last belief leaves it open.
    assert myopic_believed_regret(IBS, automaton, episodes) == pytest.approx(np.array([[0, 6.6, 3.3]]))


def test_a_rule_is_the_mean_prediction_after_each_joint_move(episodes_of):
    predictions = [[[0.9, 0.1], [0.2, 0.8], [0.4, 0.6], [0.5, 0.5], [1, 0]]]
    episodes = episodes_of(IPD, [[0, 0, 1, 0, 1]], [[1, 1, 0, 1, 1]], predictions=predictions)
    # Nothing; (0, 1) before rounds 1, 2 and 4; (1, 0) before round 3; (0, 0) and (1, 1) before none.
    whole = [3 / 5, 2 / 5]
    assert fitted_rule(IPD, episodes)[0] == pytest.approx(
        np.array([[0.9, 0.1], whole, [1.6 / 3, 1.4 / 3], [0.5, 0.5], whole])
    )


@pytest.mark.parametrize("game", [IPD, IBS, RPS], ids=lambda game: game.name)
@pytest.mark.parametrize("spec", ["tit_for_tat", "noisy_tit_for_tat", "markov", "uniform"])
def test_a_plan_from_the_true_rule_is_the_best_play(game, spec):
    automaton = make_partner(spec).automaton(game, 12)
    solution = best_response(game, automaton, 12)
    start = int(automaton.start.argmax())
    after = [start]  # the state after each joint move
    for action, other in np.ndindex(game.payoffs.shape):
        after.append(automaton.outcomes(start, action, other)[0][1])
    plans = plans_from(game, automaton.action_dist[after][None], 12)
    assert plans[:, 0] == pytest.approx(solution.policy[:, after])


@pytest.mark.parametrize("game", [IPD, IBS, RPS], ids=lambda game: game.name)
@pytest.mark.parametrize("spec", ["tit_for_tat", "noisy_tit_for_tat", "markov"])
def test_true_beliefs_lose_nothing_whatever_was_played(game, spec):
    automaton = make_partner(spec).automaton(game, 120)
    solution = best_response(game, automaton, 120)
    episodes = play(game, automaton, make_agent("uniform"), horizon=120, episodes=4, seed=5)
    episodes = replace(episodes, predictions=automaton.action_dist[episodes.states])
    assert advantage_regret(solution, episodes).mean() > 0.5
    believed = planned_believed_regret(game, automaton, solution, episodes, seed=5)
    assert believed == pytest.approx(np.zeros((4, 120)), abs=1e-9)
    assert myopic_believed_regret(game, automaton, episodes) == pytest.approx(np.zeros((4, 120)), abs=1e-9)


def test_a_counter_that_defects_acts_on_what_it_believes():
    automaton = make_partner("tit_for_tat").automaton(IPD, 100)
    solution = best_response(IPD, automaton, 100)
    episodes = play(IPD, automaton, make_agent("fictitious_play"), episodes=10)
    believed = planned_believed_regret(IPD, automaton, solution, episodes, seed=0).mean(-1)
    assert believed.mean() == pytest.approx(2.955)  # half of 2.97 and of 2.94
    assert believed == pytest.approx(advantage_regret(solution, episodes).mean(-1))


def test_what_was_never_seen_cannot_be_planned_with():
    automaton = make_partner("tit_for_tat").automaton(IPD, 100)
    solution = best_response(IPD, automaton, 100)
    episodes = play(IPD, automaton, make_agent("oracle"), episodes=6)
    # It never defects but at the end, and predicts cooperation, so that its beliefs say: defect, and it goes on.
    assert np.isnan(planned_believed_regret(IPD, automaton, solution, episodes, seed=0)).all()


def test_the_replay_meets_the_draws_of_its_seed():
    automaton = make_partner("noisy_tit_for_tat").automaton(RPS, 60)
    solution = best_response(RPS, automaton, 60)
    episodes = play(RPS, automaton, make_agent("conditional_fictitious_play"), horizon=60, episodes=6, seed=1)
    same, again, other = (planned_believed_regret(RPS, automaton, solution, episodes, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(same, again, equal_nan=True)
    assert not np.array_equal(same, other, equal_nan=True)
