"""Each partner that keeps to simple states plays as its rule says, move by move."""

import numpy as np
import pytest

from agent_tom.games import make_game
from agent_tom.partners import (
    ConditionalCooperator,
    Cycle,
    Drift,
    Grim,
    LevelK,
    Mixture,
    Single,
    TitForTat,
    TitForTwoTats,
    WinStayLoseShift,
)


@pytest.mark.parametrize(
    ("partner", "game", "first", "focal", "played"),
    [
        (Single(action=1), "ipd", 1, [0, 1, 0], [1, 1, 1]),
        (Single(), "rps", 2, [0, 1, 0], [2, 2, 2]),
        (Cycle(), "rps", 1, [0, 0, 0, 0, 0], [1, 2, 0, 1, 2]),
        (Cycle(length=2), "rps", 1, [0, 0, 0, 0], [1, 0, 1, 0]),
        # It copies where interests meet, and replies best where one wins what the other loses.
        (TitForTat(), "ipd", 0, [1, 0, 0, 1], [0, 1, 0, 0]),
        (TitForTat(), "ibs", 1, [1, 0, 0, 1], [1, 1, 0, 0]),
        (TitForTat(), "rps", 2, [0, 1, 2, 0], [2, 1, 2, 0]),
        (TitForTat(), "matching_pennies", 0, [0, 0, 1, 0], [0, 1, 1, 0]),
        # Of 0 to 3 contributors, the copy of the second of two actions is the last.
        (TitForTat(), "public_goods_4", 1, [0, 1, 1, 0], [1, 0, 3, 3]),
        (TitForTwoTats(), "ipd", 0, [1, 1, 0, 1, 1, 1], [0, 0, 1, 0, 0, 1]),
        (TitForTwoTats(nice=1), "ipd", 1, [0, 0, 1, 0], [1, 1, 0, 1]),
        (TitForTwoTats(), "rps", 0, [1, 1, 0, 0, 0], [0, 0, 2, 0, 1]),
        (Grim(), "ipd", 0, [0, 0, 1, 0, 0], [0, 0, 0, 1, 1]),
        (Grim(), "rps", 0, [0, 1, 0], [0, 0, 2]),
        (Grim(nice=1, punishment=0), "rps", 1, [1, 2, 1, 1], [1, 1, 0, 0]),
        # The mean payoff is 5.75: 8 and 10 stay, 0 and 5 shift.
        (WinStayLoseShift(), "ipd", 0, [0, 1, 0, 0, 1, 1], [0, 0, 1, 1, 1, 0]),
        (WinStayLoseShift(), "rps", 0, [0, 1, 0, 2, 1], [0, 0, 1, 1, 2]),
        # Half way up or above: of two actions the second, of three the second and third.
        (ConditionalCooperator(), "ipd", 1, [0, 1, 0, 1], [1, 0, 1, 0]),
        (ConditionalCooperator(), "rps", 0, [0, 1, 2, 0, 0], [0, 0, 2, 2, 0]),
    ],
)
def test_moves_by_hand(walk, partner, game, first, focal, played):
    assert walk(partner.automaton(make_game(game), len(focal)), focal, first) == played


@pytest.mark.parametrize("partner", [Single(), Cycle(), Drift(), TitForTat(), WinStayLoseShift()])
@pytest.mark.parametrize("game", ["rps", "ipd", "public_goods_4"])
def test_the_first_move_is_any(chances, partner, game):
    game = make_game(game)
    assert chances(partner.automaton(game, 5)) == pytest.approx(
        np.full(game.num_partner_actions, 1 / game.num_partner_actions)
    )


@pytest.mark.parametrize("seen", range(4))
def test_a_member_of_a_crowd_contributes_if_half_of_the_others_did(chances, seen):
    seat = make_game("public_goods_4").seen_by_partner()
    automaton = ConditionalCooperator().automaton(seat, 3)
    for first in (0, 1):
        assert chances(automaton, [(seen, first)]).tolist() == ([0, 0.5] if seen >= 2 else [0.5, 0])


@pytest.mark.parametrize(
    ("level", "game", "answer"),
    [
        (1, "rps", lambda action, own: (action + 1) % 3),
        (2, "rps", lambda action, own: (own + 2) % 3),  # it beats what beats its own last move
        (3, "rps", lambda action, own: action),  # the third reply in the circle
        (4, "rps", lambda action, own: (own + 1) % 3),
        (1, "matching_pennies", lambda action, own: 1 - action),  # the partner wins if both differ
        (2, "matching_pennies", lambda action, own: 1 - own),  # the focal player matches its last move
        (3, "matching_pennies", lambda action, own: action),
        (1, "ibs", lambda action, own: action),
        (2, "ibs", lambda action, own: own),
        (3, "ipd", lambda action, own: 1),
    ],
)
def test_thinkers_of_each_level_by_hand(chances, level, game, answer):
    game = make_game(game)
    automaton, count = LevelK(level=level).automaton(game, 4), game.num_actions
    for action in range(count):
        for own in range(count):
            sure = np.eye(count)[answer(action, own)] / count  # after a first move that is any
            assert chances(automaton, [(action, own)]) == pytest.approx(sure)


@pytest.mark.parametrize(("level", "reactive"), [(0, False), (1, True), (2, False), (3, True)])
def test_thinkers_of_an_even_level_take_no_notice(level, reactive):
    assert LevelK(level=level).automaton(make_game("rps"), 5).reactive is reactive


def test_level_0_plays_at_random_for_ever(chances):
    found = chances(LevelK(level=0).automaton(make_game("rps"), 4), [(0, 1), (2, 2)])
    assert found == pytest.approx(np.full(3, 1 / 27))


def test_generosity_mixes_the_nice_action_in(chances):
    automaton = TitForTat(generosity=0.25, nice=1).automaton(make_game("rps"), 4)
    first = 0.25 * 1 + 0.75 / 3
    assert chances(automaton, [(1, 1)]) == pytest.approx([0, first * 0.25, first * 0.75])
    assert chances(automaton, [(0, 1)]) == pytest.approx([0, first, 0])


@pytest.mark.parametrize(("weights", "dist"), [(None, [1 / 3] * 3), ((1.0, 0.0, 3.0), [0.25, 0, 0.75])])
def test_a_mixture_is_the_same_in_every_round(chances, weights, dist):
    automaton = Mixture(weights=weights).automaton(make_game("rps"), 4)
    assert chances(automaton) == pytest.approx(dist)
    assert chances(automaton, [(0, 2), (1, 0)]) == pytest.approx(dist[2] * dist[0] * np.array(dist))


def test_drift_moves_to_each_other_action_alike(chances):
    automaton = Drift(rate=0.1).automaton(make_game("rps"), 4)
    assert chances(automaton, [(0, 1)]) * 3 == pytest.approx([0.05, 0.9, 0.05])
    assert chances(automaton, [(0, 1), (2, 2)]) * 3 == pytest.approx(0.05 * np.array([0.05, 0.05, 0.9]))


@pytest.mark.parametrize(
    ("partner", "message"),
    [
        (Single(action=2), "ipd has actions 0 to 1 for the partner, got 2; choose one"),
        (Single(action=-1), "ipd has actions 0 to 1 for the partner, got -1"),
        (Grim(punishment=5), "ipd has actions 0 to 1 for the partner, got 5"),
        (TitForTat(nice=3), "ipd has actions 0 to 1 for the partner, got 3"),
        (Cycle(length=3), "`length` of a cycle must be 1 to 2 in ipd, got 3"),
        (Cycle(length=0), "`length` of a cycle must be 1 to 2 in ipd, got 0"),
        (Mixture(weights=(1.0, 2.0, 3.0)), r"`weights` must be 2 numbers of at least 0 in ipd, got \(1.0, 2.0, 3.0\)"),
        (Mixture(weights=(-1.0, 2.0)), "`weights` must be 2 numbers of at least 0"),
        (Mixture(weights=(0.0, 0.0)), "`weights` must be 2 numbers of at least 0"),
        (LevelK(level=-1), "`level` must be at least 0, got -1"),
        (Drift(rate=1.5), "`rate` must be 0 to 1, got 1.5"),
        (TitForTat(generosity=-0.5), "`generosity` must be 0 to 1, got -0.5"),
    ],
)
def test_settings_that_do_not_fit_the_game_are_told(partner, message):
    with pytest.raises(ValueError, match=message):
        partner.automaton(make_game("ipd"), 5)
