"""Partners made of partners do what their parts do."""

from collections import defaultdict
from itertools import product

import numpy as np
import pytest

from agent_tom.games import make_game
from agent_tom.partners import (
    ConditionalCooperator,
    Crowd,
    Drift,
    Grim,
    LevelK,
    Mixture,
    Noisy,
    OneOf,
    Permuted,
    Single,
    Switch,
    TitForTat,
    WinStayLoseShift,
)

IPD, RPS, GOODS = make_game("ipd"), make_game("rps"), make_game("public_goods_4")


@pytest.mark.parametrize(
    ("partner", "game", "first", "focal", "played"),
    [
        (Switch(of=Single(action=0), to=Single(action=2), at=3), RPS, 0, [0] * 5, [0, 0, 0, 2, 2]),
        (Switch(of=Single(action=0), to=Single(action=2), at=1), RPS, 0, [0] * 3, [0, 2, 2]),
        (Switch(of=Single(action=0), to=Single(action=2), at=9), RPS, 0, [0] * 3, [0, 0, 0]),
        # The second grim has not seen what the first could not forgive.
        (Switch(of=Grim(), to=Grim(), at=2), IPD, 0, [1, 0, 0, 1, 0], [0, 1, 0, 0, 1]),
        (Permuted(of=Single(action=0), order=(1, 2, 0)), RPS, 1, [0, 0], [1, 1]),
        (Permuted(of=TitForTat(), order=(1, 2, 0)), RPS, 0, [0, 1, 2], [0, 2, 0]),
        # It believes that it cooperates and earned 8, so that it stays; then that it earned nothing.
        (Permuted(of=WinStayLoseShift(), order=(1, 0)), IPD, 1, [0, 1, 0, 0], [1, 1, 0, 0]),
    ],
)
def test_moves_by_hand(walk, partner, game, first, focal, played):
    assert walk(partner.automaton(game, len(focal)), focal, first) == played


def test_a_switch_draws_the_second_anew(chances):
    automaton = Switch(of=Single(action=1), to=Single(), at=2).automaton(RPS, 5)
    assert chances(automaton, [(0, 1), (0, 1)]) == pytest.approx([1 / 3] * 3)
    assert chances(automaton, [(0, 1), (0, 1), (0, 2)]) == pytest.approx([0, 0, 1 / 3])


def test_a_trembling_hand_is_remembered_as_it_moved(chances):
    # In matching pennies a thinker of level 2 plays the other side of its own last move, here a random one.
    automaton = Noisy(of=LevelK(level=2), epsilon=0.2).automaton(make_game("matching_pennies"), 5)
    assert chances(automaton, [(0, 1)]) == pytest.approx([0.5 * 0.9, 0.5 * 0.1])
    # The second move was meant to be 0, trembled, and is answered as what it was.
    assert chances(automaton, [(0, 1), (0, 1)]) == pytest.approx(0.5 * 0.1 * np.array([0.9, 0.1]))


def test_a_trembling_hand_that_stays_with_what_paid_stays_with_what_it_did(chances):
    # It defected against a cooperator, meant or not, which paid; it stays with that.
    automaton = Noisy(of=WinStayLoseShift(), epsilon=0.2).automaton(IPD, 5)
    assert chances(automaton, [(0, 1)]) == pytest.approx([0.5 * 0.1, 0.5 * 0.9])


def test_a_hand_trembles_as_often_as_it_is_told(chances):
    assert chances(Noisy(of=Single(action=1), epsilon=0.3).automaton(RPS, 3)) == pytest.approx([0.1, 0.8, 0.1])
    twice = Noisy(of=Noisy(of=Single(action=1), epsilon=0.3), epsilon=1.0)
    assert chances(twice.automaton(RPS, 3)) == pytest.approx([1 / 3] * 3)


def test_one_type_of_a_pool_plays_all_game(chances):
    partner = OneOf(pool=(Mixture(weights=(1.0, 3.0)), Single(action=0)), weights=(1.0, 3.0))
    assert chances(partner.automaton(IPD, 5), [(0, 0), (0, 0)]) == pytest.approx(
        0.25 * 0.25**2 * np.array([0.25, 0.75]) + 0.75 * np.array([1, 0])
    )
    even = OneOf(pool=partner.pool).automaton(IPD, 5)
    assert chances(even) == pytest.approx(0.5 * np.array([0.25, 0.75]) + 0.5 * np.array([1, 0]))


# What a member contributes, with which chance, told from what it did and what it saw the others do.
def copies(own, seen):
    return 0.5 if not seen else float(round(seen[-1] / 3))


def cooperates(own, seen):
    return 0.5 if not seen else float(seen[-1] >= 2)


def keeps_until_two_contribute(own, seen):
    return float(any(count >= 2 for count in seen))


def drifts(own, seen):
    return 0.5 if not own else (0.95 if own[-1] else 0.05)


def stays_if_it_paid(own, seen):
    if not own:
        return 0.5
    # Keeping pays 1, 1.4, 1.8, 2.2, contributing 0.4, 0.8, 1.2, 1.6 with 0 to 3 others: 1.3 on average.
    payoff = 1 - own[-1] + 0.4 * (own[-1] + seen[-1])
    return float(own[-1] if payoff >= 1.3 else 1 - own[-1])


def trembling(rule):
    return lambda own, seen: 0.8 * rule(own, seen) + 0.1


CROWDS = [
    ((TitForTat(), ConditionalCooperator(), Grim()), (copies, cooperates, keeps_until_two_contribute)),
    (
        (Drift(), WinStayLoseShift(), Noisy(of=ConditionalCooperator(), epsilon=0.2)),
        (drifts, stays_if_it_paid, trembling(cooperates)),
    ),
    (
        (Noisy(of=TitForTat(), epsilon=0.2), TitForTat(), Drift()),
        (trembling(copies), copies, drifts),
    ),
]


@pytest.mark.parametrize(("members", "rules"), CROWDS)
@pytest.mark.parametrize("focal", [(0, 0, 0), (1, 1, 1), (1, 0, 1)])
def test_a_crowd_is_its_members_one_by_one(chances, members, rules, focal):
    brute = defaultdict(float)
    for choices in product(product((0, 1), repeat=3), repeat=4):  # round by member
        chance = 1.0
        for member, rule in enumerate(rules):
            own = [choice[member] for choice in choices]
            seen = [focal[played] + sum(choices[played]) - own[played] for played in range(3)]
            for played in range(4):
                gives = rule(own[:played], seen[:played])
                chance *= gives if own[played] else 1 - gives
        brute[tuple(map(sum, choices))] += chance
    automaton = Crowd(members=members).automaton(GOODS, 4)
    for counts in product(range(4), repeat=3):
        found = chances(automaton, list(zip(focal, counts, strict=True)))
        assert found == pytest.approx([brute[*counts, last] for last in range(4)], abs=1e-12)


@pytest.mark.parametrize(
    ("partner", "game", "message"),
    [
        (Noisy(of=Single(), epsilon=1.1), IPD, "`epsilon` must be 0 to 1, got 1.1"),
        (Noisy(of=Single(), epsilon=-0.1), IPD, "`epsilon` must be 0 to 1, got -0.1"),
        (Permuted(of=Single(), order=(1, 0)), RPS, r"`order` must hold each of 0 to 2 once in rps, got \(1, 0\)"),
        (Permuted(of=Single(), order=(1, 1)), IPD, r"`order` must hold each of 0 to 1 once in ipd, got \(1, 1\)"),
        (Switch(of=Single(), to=Single(), at=0), IPD, "`at` must be at least 1, got 0"),
        (OneOf(pool=(Single(), Grim()), weights=(1.0,)), IPD, "a weight of at least 0 for each, got 2 partners"),
        (Crowd(members=(Single(),)), GOODS, "public_goods_4 has 3 other players with two actions each, got 1 members"),
        (Crowd(members=(Single(), Grim())), RPS, "rps has 2 other players with two actions each, got 2 members"),
    ],
)
def test_settings_that_do_not_fit_the_game_are_told(partner, game, message):
    with pytest.raises(ValueError, match=message):
        partner.automaton(game, 5)
