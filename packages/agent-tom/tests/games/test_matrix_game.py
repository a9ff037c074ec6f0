"""A game is what its matrices say, and best replies are all that are best."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from agent_tom.games import MatrixGame, best_replies, greedy, make_game, matrix_game

small = st.integers(-3, 3)


@st.composite
def payoffs(draw):
    shape = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    return [draw(arrays(np.float64, shape, elements=small)) for _ in range(2)]


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (((), [[1]], [[1]]), "`actions` of odd must be different names, got \\[\\]"),
        (
            (("a", "a"), [[1, 2], [3, 4]], [[1, 2], [3, 4]]),
            "`actions` of odd must be different names, got \\['a', 'a'\\]",
        ),
        (
            (("a", "b"), [[1, 2]], [[1, 2]]),
            r"`payoffs` of odd has shape \(1, 2\), but its actions make \(2, 2\): rows are",
        ),
        ((("a", "b"), [[1, 2], [3, 4]], [[1, 2]]), r"`partner_payoffs` of odd has shape \(1, 2\)"),
        ((("a", "b"), [[1, 2], [3]], [[1, 2], [3, 4]]), r"rows of `payoffs` of odd must have one length, got \[2, 1\]"),
        ((("a", "b"), [[1, 2], [3, 4]], []), r"rows of `partner_payoffs` of odd must have one length, got \[\]"),
        ((("a", "b"), [[1, float("nan")], [3, 4]], [[1, 2], [3, 4]]), r"`payoffs` of odd holds nan at \(a, b\)"),
        (
            (("a", "b"), [[1, 2], [3, 4]], [[1, 2], [float("inf"), 4]]),
            r"`partner_payoffs` of odd holds inf at \(b, a\)",
        ),
    ],
)
def test_matrices_that_make_no_game_are_told(arguments, message):
    with pytest.raises(ValueError, match=message):
        matrix_game("odd", *arguments)


def test_actions_of_the_partner_must_differ_too():
    with pytest.raises(ValueError, match="`partner_actions` of odd must be different names, got \\['x', 'x'\\]"):
        matrix_game("odd", ("a",), [[1, 2]], [[1, 2]], partner_actions=("x", "x"))


def test_a_game_need_not_be_square():
    game = matrix_game(
        "odd", ("a", "b"), [[1, 2, 3], [4, 5, 6]], [[6, 5, 4], [3, 2, 1]], partner_actions=("x", "y", "z")
    )
    assert (game.num_actions, game.num_partner_actions) == (2, 3)
    other = game.seen_by_partner()
    assert (other.actions, other.partner_actions) == (("x", "y", "z"), ("a", "b"))
    assert other.payoffs.tolist() == [[6, 3], [5, 2], [4, 1]]
    assert other.partner_payoffs.tolist() == [[1, 4], [2, 5], [3, 6]]


@given(payoffs())
def test_seats_changed_twice_are_the_same_game(both):
    rows, columns = both[0].shape
    game = MatrixGame(
        name="any",
        actions=tuple("abcd"[:rows]),
        partner_actions=tuple("wxyz"[:columns]),
        payoffs=both[0],
        partner_payoffs=both[1],
    )
    twice = game.seen_by_partner().seen_by_partner()
    assert (twice.name, twice.actions, twice.partner_actions) == (game.name, game.actions, game.partner_actions)
    assert np.array_equal(twice.payoffs, game.payoffs)
    assert np.array_equal(twice.partner_payoffs, game.partner_payoffs)


@pytest.mark.parametrize(
    ("belief", "reply"),
    [
        ([1, 0, 0], [0, 1, 0]),  # paper beats rock
        ([0, 0, 1], [1, 0, 0]),
        ([1 / 3, 1 / 3, 1 / 3], [1 / 3, 1 / 3, 1 / 3]),
        ([0.5, 0.5, 0], [0, 1, 0]),  # rock -1/2, paper 1/2, scissors 0
        ([0.5, 0.25, 0.25], [0, 1, 0]),  # rock 0, paper 1/4, scissors -1/4
        ([0.2, 0.2, 0.6], [1, 0, 0]),
    ],
)
def test_replies_in_rock_paper_scissors(belief, reply):
    assert best_replies(make_game("rps").payoffs, np.array(belief, dtype=float)) == pytest.approx(reply)


def test_two_replies_that_are_best_share_evenly():
    game = matrix_game("tie", ("a", "b", "c"), [[2, 0], [0, 2], [0, 0]], [[0, 0]] * 3, partner_actions=("x", "y"))
    assert best_replies(game.payoffs, np.array([[0.5, 0.5], [0.6, 0.4]])).tolist() == [[0.5, 0.5, 0], [1, 0, 0]]


@given(arrays(np.float64, st.tuples(st.integers(1, 4), st.integers(1, 5)), elements=small))
def test_the_greedy_mixture_is_even_over_all_that_is_highest(values):
    for row, mixture in zip(values.tolist(), greedy(values).tolist(), strict=True):
        ties = row.count(max(row))
        assert mixture == pytest.approx([1 / ties if value == max(row) else 0 for value in row])


@pytest.mark.parametrize("scale", [1.0, 1e6, 1e-6])
def test_rounding_breaks_no_tie_and_makes_none(scale):
    sums = np.array([0.1 + 0.2, 0.3, 0.3 + 1e-6 * max(1, 1 / scale)])
    assert greedy(scale * sums[:2]).tolist() == [0.5, 0.5]
    assert greedy(scale * sums).tolist() == [0, 0, 1]
