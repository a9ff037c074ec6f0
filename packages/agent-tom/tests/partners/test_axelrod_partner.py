"""Strategies of the axelrod library play here what they play there."""

import random
import sys

import numpy as np
import pytest

from agent_tom import check_partner, make_agent, make_game, make_partner, play
from agent_tom.partners import AxelrodPartner

pytestmark = pytest.mark.slow  # the library makes all of its strategies several times when it is imported
IPD, CHICKEN = make_game("ipd"), make_game("chicken")


@pytest.fixture(scope="module")
def axelrod():
    return pytest.importorskip("axelrod", reason="needs agent-tom[axelrod]")


def test_tit_for_tat_is_ours_once_the_first_move_is_the_same(axelrod, walk):
    episodes = play(IPD, AxelrodPartner(strategy="Tit For Tat"), make_agent("uniform"), horizon=30, episodes=5)
    ours = make_partner("tit_for_tat").automaton(IPD, 30)
    for focal, others in zip(episodes.actions.tolist(), episodes.partner_actions.tolist(), strict=True):
        assert others == walk(ours, focal, first=0)
    assert np.array_equal(episodes.partner_dists, np.eye(2)[episodes.partner_actions])


# The last two mind their payoffs and the number of rounds; the focal player is a sequence of moves.
@pytest.mark.parametrize("strategy", ["Grudger", "Win-Stay Lose-Shift", "Random", "Stalker", "BackStabber"])
def test_a_match_of_the_library_goes_as_here(axelrod, strategy):
    partner = AxelrodPartner(strategy=strategy)
    numbers = [0, 1]
    episodes = play(IPD, partner, make_agent({"name": "fixed", "action": 0}), horizon=12, episodes=numbers, seed=7)
    (kind,) = (each for each in axelrod.strategies if each.name == strategy)
    draws = [np.random.default_rng([7, number, 1]).random((12, 2))[0, 1] for number in numbers]
    for row, draw in enumerate(draws):
        player, other = kind(), axelrod.Cooperator()
        match = axelrod.Match((player, other), turns=12, game=axelrod.Game(r=8, s=0, t=10, p=5))
        player.set_match_attributes(**match.match_attributes)
        player.set_seed(int(draw * 2**32) if partner.num_draws else 0)
        for _ in range(12):
            moves = player.strategy(other), other.strategy(player)
            player.update_history(*moves)
            other.update_history(*reversed(moves))
        assert episodes.partner_actions[row].tolist() == [move.value for move in player.history]


def test_chance_is_that_of_the_episode(axelrod):
    partner = AxelrodPartner(strategy="Random")
    many = play(IPD, partner, make_agent("uniform"), horizon=20, episodes=6)
    few = play(IPD, partner, make_agent("uniform"), horizon=20, episodes=[4])
    assert np.array_equal(few.partner_actions, many.partner_actions[[4]])
    assert len(np.unique(many.partner_actions, axis=0)) == 6
    other = play(IPD, partner, make_agent("uniform"), horizon=20, episodes=6, seed=1)
    assert not np.array_equal(many.partner_actions, other.partner_actions)
    assert many.partner_dists is None  # what it gives are its own draws


@pytest.mark.filterwarnings("ignore:strategy .* of axelrod does not fit the payoffs of ipd:UserWarning")
def test_strategies_play_ipd_and_keep_the_rules(axelrod):
    quick = [kind.name for kind in axelrod.short_run_time_strategies if kind is not axelrod.EvolvedAttention]
    for name in random.Random(0).sample(quick, 60):
        check_partner(AxelrodPartner(strategy=name), games=[IPD], horizon=10)


def test_every_name_makes_its_partner(axelrod):
    for kind in axelrod.strategies:
        assert make_partner({"name": "axelrod", "strategy": kind.name}) == AxelrodPartner(strategy=kind.name)


def test_other_games_of_two_by_two_are_played(axelrod):
    for strategy in ("Win-Stay Lose-Shift", "Stalker", "GTFT"):
        check_partner(AxelrodPartner(strategy=strategy), games=[CHICKEN, make_game("ibs")], horizon=10)


def test_one_that_does_not_fit_the_payoffs_says_how_it_plays(axelrod):
    with pytest.warns(UserWarning, match="'ZD-Extort3' of axelrod does not fit the payoffs of ipd, so it plays as for"):
        episodes = play(IPD, AxelrodPartner(strategy="ZD-Extort3"), make_agent("uniform"), horizon=5, episodes=1)
    assert episodes.partner_actions.shape == (1, 5)


@pytest.mark.parametrize(
    ("strategy", "game", "message"),
    [
        ("Tit For Tatt", "ipd", "no strategy of axelrod is called 'Tit For Tatt'; did you mean 'Tit For Tat'"),
        ("Darwin", "ipd", "strategy 'Darwin' of axelrod looks into whom it meets, or changes it, which nobody can"),
        (
            "Tit For Tat",
            "rps",
            "strategies of axelrod play games of 2 by 2 actions, but rps has 3 by 3; choose another",
        ),
    ],
)
def test_what_cannot_be_played_is_told(axelrod, strategy, game, message):
    with pytest.raises(ValueError, match=message):
        play(make_game(game), AxelrodPartner(strategy=strategy), make_agent("uniform"), horizon=2, episodes=1)


def test_a_library_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "axelrod", None)
    with pytest.raises(ImportError, match=r"strategies of axelrod need: pip install 'agent-tom\[axelrod\]'"):
        play(IPD, AxelrodPartner(strategy="Tit For Tat"), make_agent("uniform"), horizon=2, episodes=1)
