"""Games by name, and what the well-known ones are worth."""

from itertools import permutations, product

import numpy as np
import pytest
from scipy.stats import rankdata

from agent_tom.games import GAMES, make_game, ordinal_game, public_goods, two_thirds_of_average


@pytest.mark.parametrize("name", GAMES)
def test_a_game_has_the_name_by_which_it_is_made(name):
    assert make_game(name).name == name


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("rpss", "no game is called 'rpss'; did you mean 'rps'"),
        ("stag_hunter", "did you mean 'stag_hunt'"),
        ("chicken_7", "no game is called 'chicken_7'; did you mean 'chicken'"),
        ("zzz", "no game is called 'zzz'; there are rps, ibs, ipd"),
        ("ordinal_144", "`index` of an ordinal game must be 0 to 143, got 144"),
        ("public_goods_1", "at least 2 players and a `multiplier` between 1 and their number, got 1 players and 1.6"),
    ],
)
def test_a_name_that_nobody_knows_is_told(name, message):
    with pytest.raises(ValueError, match=message):
        make_game(name)


@pytest.mark.parametrize("multiplier", [1.0, 3.0, 3.5])
def test_goods_without_a_dilemma_are_refused(multiplier):
    with pytest.raises(ValueError, match="a `multiplier` between 1 and their number, got 3 players"):
        public_goods(3, multiplier=multiplier)


@pytest.mark.parametrize(
    ("name", "ours", "theirs"),
    [
        ("rps", [[0, -1, 1], [1, 0, -1], [-1, 1, 0]], [[0, 1, -1], [-1, 0, 1], [1, -1, 0]]),
        ("ibs", [[10, 0], [0, 7]], [[7, 0], [0, 10]]),
        ("ipd", [[8, 0], [10, 5]], [[8, 10], [0, 5]]),
    ],
)
def test_payoffs_are_those_of_the_paper(name, ours, theirs):
    game = make_game(name)
    assert game.payoffs.tolist() == ours
    assert game.partner_payoffs.tolist() == theirs


@pytest.mark.parametrize(("name", "total"), [("rps", 0), ("matching_pennies", 0), ("two_thirds", 1)])
def test_what_one_wins_the_other_loses(name, total):
    game = make_game(name)
    assert np.array_equal(game.payoffs + game.partner_payoffs, np.full(game.payoffs.shape, total))


@pytest.mark.parametrize("name", ["rps", "ipd", "stag_hunt", "chicken", "coordination", "two_thirds"])
def test_seats_are_alike(name):
    game = make_game(name)
    assert np.array_equal(game.partner_payoffs, game.payoffs.T)


@pytest.mark.parametrize(
    ("name", "equilibria"),
    [
        ("rps", set()),
        ("matching_pennies", set()),
        ("ibs", {(0, 0), (1, 1)}),
        ("ipd", {(1, 1)}),
        ("stag_hunt", {(0, 0), (1, 1)}),
        ("chicken", {(0, 1), (1, 0)}),
        ("coordination", {(0, 0), (1, 1)}),
        ("public_goods_2", {(0, 0)}),
    ],
)
def test_pure_equilibria_are_the_known_ones(name, equilibria):
    game = make_game(name)
    ours = game.payoffs == game.payoffs.max(0)
    theirs = game.partner_payoffs == game.partner_payoffs.max(1, keepdims=True)
    assert {tuple(place) for place in np.argwhere(ours & theirs).tolist()} == equilibria


def renamed(game):
    """The game under all renamings of actions, as nested tuples of both players' payoffs."""
    both = np.stack([game.payoffs, game.partner_payoffs]).astype(int)
    return {tuple(both[:, ::rows, ::columns].ravel().tolist()) for rows in (1, -1) for columns in (1, -1)}


@pytest.fixture(scope="module")
def ordinal():
    return [make_game(f"ordinal_{index}") for index in range(144)]


def test_ordinal_games_are_strict(ordinal):
    for game in ordinal:
        assert sorted(game.payoffs.ravel()) == sorted(game.partner_payoffs.ravel()) == [1, 2, 3, 4]


def test_each_strict_game_is_one_ordinal_game_by_other_names(ordinal):
    orbits = [renamed(game) for game in ordinal]
    assert sum(map(len, orbits)) == len(set.union(*orbits)) == 576
    every = {(*ours, *theirs) for ours, theirs in product(permutations((1, 2, 3, 4)), repeat=2)}
    assert set.union(*orbits) == every


@pytest.mark.parametrize("name", ["ipd", "chicken"])
def test_the_dilemmas_are_among_the_ordinal_games(ordinal, name):
    game = make_game(name)
    ranks = (*rankdata(game.payoffs).astype(int).tolist(), *rankdata(game.partner_payoffs).astype(int).tolist())
    assert sum(ranks in renamed(one) for one in ordinal) == 1


@pytest.mark.parametrize("index", [-1, 144])
def test_an_ordinal_index_out_of_range_is_told(index):
    with pytest.raises(ValueError, match=f"must be 0 to 143, got {index}"):
        ordinal_game(index)


def test_public_goods_of_four_by_hand():
    game = make_game("public_goods_4")
    assert game.payoffs == pytest.approx(np.array([[1, 1.4, 1.8, 2.2], [0.4, 0.8, 1.2, 1.6]]))
    # Of three others one contributes, the focal player keeps: pot 1.6, share 0.4, so that two have 1.4 and one 0.4.
    assert game.partner_payoffs[0, 1] == pytest.approx((1.4 + 1.4 + 0.4) / 3)
    assert game.partner_payoffs[1, 3] == pytest.approx(1.6)


@pytest.mark.parametrize("choices", list(product((0, 1), repeat=4)))
def test_public_goods_pay_everyone_the_same_share(choices):
    game, pot = make_game("public_goods_4"), 1.6 * sum(choices)
    earned = [1 - choice + pot / 4 for choice in choices]
    place = choices[0], sum(choices[1:])
    assert game.payoffs[place] == pytest.approx(earned[0])
    assert game.partner_payoffs[place] == pytest.approx(sum(earned[1:]) / 3)


@pytest.mark.parametrize(
    ("ours", "theirs", "won"),
    [(0, 0, 0.5), (7, 7, 0.5), (0, 10, 1), (10, 0, 0), (5, 4, 0), (3, 9, 1), (1, 2, 1), (10, 9, 0)],
)
def test_two_thirds_of_the_average_by_hand(ours, theirs, won):
    assert make_game("two_thirds").payoffs[ours, theirs] == won


@pytest.mark.parametrize("highest", [1, 3, 20])
def test_of_two_the_lower_number_is_nearer_to_two_thirds(highest):
    payoffs = two_thirds_of_average(highest).payoffs
    for ours, theirs in product(range(highest + 1), repeat=2):
        assert payoffs[ours, theirs] == (0.5 if ours == theirs else ours < theirs)
