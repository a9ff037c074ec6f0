"""The environment keeps PettingZoo's contract, and each player sees the round from its seat."""

from itertools import product

import pytest
from pettingzoo.test import parallel_api_test, parallel_seed_test

from agent_tom.games import make_game, matrix_game
from agent_tom.games.repeated_game import FOCAL, PARTNER, RepeatedGame

GOODS = make_game("public_goods_4")


@pytest.fixture
def env():
    """Public goods: seats of 2 and 4 actions, so that they cannot be mixed up."""
    env = RepeatedGame(GOODS, 3, render_mode="ansi")
    env.reset()
    return env


@pytest.mark.parametrize("name", ["rps", "ipd", "public_goods_4"])
@pytest.mark.parametrize("horizon", [1, 7])
def test_the_contract_of_pettingzoo_is_kept(name, horizon):
    parallel_api_test(RepeatedGame(make_game(name), horizon), num_cycles=20)


def test_a_seed_repeats_and_another_does_not():
    parallel_seed_test(lambda: RepeatedGame(make_game("rps"), 50), num_cycles=50)

    def sampled(seed):
        env = RepeatedGame(make_game("rps"), 50)
        env.reset(seed=seed)
        return [(env.action_space(FOCAL).sample(), env.action_space(PARTNER).sample()) for _ in range(50)]

    assert sampled(1) == sampled(1) != sampled(2)
    own, other = zip(*sampled(1), strict=True)
    assert own != other


@pytest.mark.parametrize(("own", "other"), list(product(range(2), range(4))))
def test_a_round_is_seen_from_each_seat(env, own, other):
    observations, rewards, terminations, truncations, _ = env.step({FOCAL: own, PARTNER: other})
    assert observations == {FOCAL: 1 + own * 4 + other, PARTNER: 1 + other * 2 + own}
    assert rewards == {FOCAL: GOODS.payoffs[own, other], PARTNER: GOODS.partner_payoffs[own, other]}
    assert not any((*terminations.values(), *truncations.values()))


def test_nothing_is_seen_before_the_first_round(env):
    env.step({FOCAL: 1, PARTNER: 3})
    observations, _ = env.reset()
    assert observations == {FOCAL: 0, PARTNER: 0}


def test_the_horizon_truncates_and_ends_nothing_before(env):
    for played in range(1, 4):
        _, _, terminations, truncations, _ = env.step({FOCAL: 0, PARTNER: 0})
        assert truncations == dict.fromkeys((FOCAL, PARTNER), played == 3)
        assert terminations == {FOCAL: False, PARTNER: False}
        assert env.agents == ([] if played == 3 else [FOCAL, PARTNER])
    with pytest.raises(ValueError, match="the game is over; call `reset` to play again"):
        env.step({FOCAL: 0, PARTNER: 0})
    env.reset()
    assert not any(env.step({FOCAL: 0, PARTNER: 0})[3].values())


def test_what_a_round_returns_can_be_changed_without_harm(env):
    for found in env.step({FOCAL: 1, PARTNER: 2})[:4]:
        found[FOCAL] = 99
    observations, rewards, terminations, truncations, _ = env.step({FOCAL: 1, PARTNER: 2})
    assert (observations[FOCAL], rewards[FOCAL]) == (7, GOODS.payoffs[1, 2])
    assert (terminations[FOCAL], truncations[FOCAL]) == (False, False)


@pytest.mark.parametrize(
    "actions",
    [{FOCAL: 2, PARTNER: 0}, {FOCAL: 0, PARTNER: 4}, {FOCAL: -1, PARTNER: 0}, {FOCAL: 0, PARTNER: -1}, {FOCAL: 0}],
)
def test_actions_that_are_not_there_are_told_and_not_played(env, actions):
    with pytest.raises(ValueError, match="must give 'focal' one of 0 to 1 and 'partner' one of 0 to 3, got"):
        env.step(actions)
    assert env.render() == "public_goods_4: nothing played"


@pytest.mark.parametrize("horizon", [0, -3])
def test_a_game_without_rounds_is_refused(horizon):
    with pytest.raises(ValueError, match=f"`horizon` must be at least 1, got {horizon}"):
        RepeatedGame(GOODS, horizon)


def test_the_last_round_in_words():
    game = matrix_game("odd", ("up", "down"), [[1, 2.5], [3, 4]], [[0, -1], [5, 6]], partner_actions=("left", "right"))
    env = RepeatedGame(game, 4, render_mode="ansi")
    env.reset()
    assert env.render() == "odd: nothing played"
    env.step({FOCAL: 1, PARTNER: 0})
    env.step({FOCAL: 0, PARTNER: 1})
    assert env.render() == "odd, round 2 of 4: up against right, 2.5 to -1"
    env.reset()
    assert env.render() == "odd: nothing played"


def test_without_a_mode_nothing_is_rendered():
    assert RepeatedGame(GOODS, 1).render() is None
