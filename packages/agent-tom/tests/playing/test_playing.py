"""Chance depends on seed, episode and round alone, and is shared fairly."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_tom.agents import make_agent
from agent_tom.games import make_game
from agent_tom.partners import make_partner
from agent_tom.playing.chance import Chance, drawn
from agent_tom.playing.episodes import play

IPD, RPS = make_game("ipd"), make_game("rps")


def played(agent, partner="noisy_single", game=RPS, **settings):
    return play(game, make_partner(partner).automaton(game, 60), make_agent(agent), **{"horizon": 30, **settings})


@pytest.mark.parametrize("partner", ["noisy_single", "uniform", "drift", "switch_single"])
@pytest.mark.parametrize("agent", ["rmax", "thompson", "fictitious_play"])
def test_agents_meet_the_same_draws_of_the_partner(partner, agent):
    one, other = played("uniform", partner), played(agent, partner)
    assert np.array_equal(one.partner_actions, other.partner_actions)
    assert not np.array_equal(one.actions, other.actions)


@pytest.mark.parametrize("agent", ["uniform", "exp3", "thompson"])
def test_an_episode_depends_on_its_number_alone(agent):
    many = played(agent, episodes=8)
    few = played(agent, episodes=[7, 3])
    assert few.numbers.tolist() == [7, 3]
    for field in ("states", "actions", "partner_actions", "payoffs", "action_dists"):
        assert np.array_equal(getattr(few, field), getattr(many, field)[[7, 3]])


def test_a_longer_game_begins_as_a_shorter_one():
    short, long = played("ucb", horizon=20), played("ucb", horizon=50)
    assert np.array_equal(short.actions, long.actions[:, :20])
    assert np.array_equal(short.partner_actions, long.partner_actions[:, :20])


def test_a_seed_repeats_and_another_does_not():
    one, same, other = (played("uniform", seed=seed) for seed in (1, 1, 2))
    for field in ("actions", "partner_actions"):
        assert np.array_equal(getattr(one, field), getattr(same, field))
        assert not np.array_equal(getattr(one, field), getattr(other, field))


def test_episodes_differ():
    episodes = played("uniform", "uniform", episodes=20)
    assert len(np.unique(episodes.actions, axis=0)) == len(np.unique(episodes.partner_actions, axis=0)) == 20


@pytest.mark.parametrize("game", [IPD, RPS], ids=lambda game: game.name)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_starts_are_spread_evenly_at_any_number_of_episodes(game, seed):
    first = played("uniform", "single", game, horizon=1, episodes=300, seed=seed).partner_actions[:, 0]
    for action in range(game.num_actions):
        surplus = (first == action).cumsum() - np.arange(1, 301) / game.num_actions
        assert np.abs(surplus).max() < 3  # independent draws would stray by about 8


@pytest.mark.parametrize("partner", ["noisy_tit_for_tat", "drift", "q_learner"])
def test_what_is_recorded_hangs_together(partner):
    automaton = make_partner(partner).automaton(IPD, 30)
    episodes = play(IPD, automaton, make_agent("exp3"), horizon=30, episodes=10)
    assert np.array_equal(episodes.payoffs, IPD.payoffs[episodes.actions, episodes.partner_actions])
    assert (automaton.start[episodes.states[:, 0]] > 0).all()
    moves = zip(episodes.states.tolist(), episodes.actions.tolist(), episodes.partner_actions.tolist(), strict=True)
    for states, actions, others in moves:
        for before, action, other, after in zip(states[:-1], actions[:-1], others[:-1], states[1:], strict=True):
            assert automaton.action_dist[before, other] > 0
            assert after in [found for _, found in automaton.outcomes(before, action, other)]


def test_shares_are_those_of_the_distributions():
    episodes = played("uniform", {"name": "mixture", "weights": [0.5, 0.3, 0.2]}, episodes=200)
    count = episodes.actions.size  # 6000 draws, of which 4 standard errors are below 0.026
    assert np.bincount(episodes.partner_actions.ravel()) / count == pytest.approx([0.5, 0.3, 0.2], abs=0.026)
    assert np.bincount(episodes.actions.ravel()) / count == pytest.approx([1 / 3] * 3, abs=0.026)
    both = np.bincount(3 * episodes.actions.ravel() + episodes.partner_actions.ravel()) / count
    assert both == pytest.approx(np.outer([1 / 3] * 3, [0.5, 0.3, 0.2]).ravel(), abs=0.026)


weights = st.lists(st.integers(0, 5), min_size=2, max_size=5).filter(any)


@given(weights, st.floats(0, 1, exclude_max=True))
def test_a_choice_of_probability_0_is_never_drawn(weights, number):
    dist = np.array(weights) / sum(weights)
    for uniform in (number, 0.0, np.nextafter(1, 0), *dist.cumsum()[dist.cumsum() < 1]):
        (choice,) = drawn(dist[None], np.array([uniform]))
        assert dist[choice] > 0


@given(weights)
def test_a_grid_of_numbers_gives_each_choice_its_share(weights):
    count = 60 * sum(weights)
    dist = np.array(weights) / sum(weights)
    numbers = (np.arange(count) + 0.5) / count
    choices = drawn(np.tile(dist, (count, 1)), numbers)
    assert np.bincount(choices, minlength=len(weights)).tolist() == [60 * weight for weight in weights]


def test_rows_are_drawn_from_their_own_distributions():
    assert drawn(np.array([[0.2, 0.8], [0.8, 0.2], [0.0, 1.0]]), np.array([0.5, 0.5, 0.0])).tolist() == [1, 0, 1]


def test_numbers_of_agent_and_partner_are_apart():
    chance = Chance(0, [0, 1], 5, 1)
    numbers = np.concatenate([chance.agent.ravel(), chance.partner.ravel()])
    assert len(np.unique(numbers)) == len(numbers) == 40


@pytest.mark.parametrize(
    ("settings", "got"),
    [({"episodes": 0}, "0 and 30"), ({"episodes": []}, r"\[\] and 30"), ({"horizon": 0}, "30 and 0")],
)
def test_nothing_to_play_is_told(settings, got):
    with pytest.raises(ValueError, match=f"`episodes` and `horizon` must be at least 1, got {got}"):
        played("uniform", **settings)


def test_a_partner_of_another_game_is_told():
    message = "the partner was made for 2 by 2 actions, but rps has 3 by 3; make its automaton of this game"
    with pytest.raises(ValueError, match=message):
        play(RPS, make_partner("single").automaton(IPD, 30), make_agent("uniform"))
