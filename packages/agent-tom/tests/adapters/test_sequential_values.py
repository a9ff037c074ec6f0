"""The best play is the best of all plans, where the player does not see everything too."""

from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from agent_tom.adapters import (
    Turn,
    best_response_value,
    first_legal,
    play_sequential,
    reference_value,
    sequential_regret,
    table,
    uniform,
)

MOST_PLANS = 200


def skewed(game, state, player):
    """A partner that knows where it is: another mixture in each state."""
    count = len(game.legal_actions(state, player))
    return np.random.default_rng([len(state), *[move or 0 for pair in state for move in pair]]).dirichlet([1] * count)


def worth(game, plan, partner, state):
    """What a plan, an action number by information state, gets from a state on: written by itself, and recursively."""
    turn = game.turn(state)
    if turn == Turn.OVER:
        return game.returns(state)[0]
    if turn == Turn.CHANCE:
        return sum(
            chance * worth(game, plan, partner, game.next_state(state, move)) for chance, move in game.chances(state)
        )
    own = game.legal_actions(state, 0)[plan[game.information_state(state, 0)]] if turn != Turn.PARTNER else None
    if turn == Turn.FOCAL:
        return worth(game, plan, partner, game.next_state(state, own))
    total = 0.0
    for chance, move in zip(partner(game, state, 1), game.legal_actions(state, 1), strict=True):
        after = game.next_state(state, (own, move) if turn == Turn.BOTH else move)
        total += chance * worth(game, plan, partner, after)
    return total


def information_states(game, state=()):
    """With the number of legal actions in each."""
    turn, found = game.turn(state), {}
    if turn == Turn.OVER:
        return found
    if turn in (Turn.FOCAL, Turn.BOTH):
        found[game.information_state(state, 0)] = len(game.legal_actions(state, 0))
    legal = {
        Turn.FOCAL: lambda: game.legal_actions(state, 0),
        Turn.PARTNER: lambda: game.legal_actions(state, 1),
        Turn.BOTH: lambda: list(product(game.legal_actions(state, 0), game.legal_actions(state, 1))),
        Turn.CHANCE: lambda: [move for _, move in game.chances(state)],
    }
    for action in legal[turn]():
        found |= information_states(game, game.next_state(state, action))
    return found


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 3), st.sampled_from([uniform, first_legal, skewed]))
def test_the_best_response_is_the_best_of_all_plans(tree, seed, depth, partner):
    game = tree(seed, depth)
    sizes = information_states(game)
    assume(np.prod(list(sizes.values())) <= MOST_PLANS)
    plans = [dict(zip(sizes, plan, strict=True)) for plan in product(*map(range, sizes.values()))]
    best = best_response_value(game, partner)
    assert best.kind == "exact"
    assert best.value == pytest.approx(max(worth(game, plan, partner, ()) for plan in plans))
    assert reference_value(game, table(best.plan), partner).value == pytest.approx(best.value)
    one = plans[len(plans) // 2]
    sure = table({known: np.eye(sizes[known])[action] for known, action in one.items()})
    assert reference_value(game, sure, partner).value == pytest.approx(worth(game, one, partner, ()))


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 4))
def test_nothing_gains_on_the_best_play(tree, seed, depth):
    game = tree(seed, depth)
    regret = sequential_regret(game, uniform, skewed)
    assert regret.kind == "exact"
    assert regret.value >= -1e-12
    best = table(best_response_value(game, skewed).plan)
    assert sequential_regret(game, best, skewed).value == pytest.approx(0, abs=1e-12)


def test_what_is_hidden_is_not_used(guess):
    # The partner hides it evenly: 4/3 by always guessing 2; who saw the coin would get (1 + 1 + 4) / 3.
    best = best_response_value(guess, uniform)
    assert best.value == pytest.approx(4 / 3)
    assert best.plan["hidden"].tolist() == [0, 0, 1]
    # 0.8 in five times the first side is less than 4 in one of five.
    assert best_response_value(guess, lambda *_: [0.8, 0, 0.2]).plan["hidden"].tolist() == [0.5, 0, 0.5]


def test_a_reference_stands_in_for_the_best_play(guess):
    regret = sequential_regret(guess, first_legal, uniform, reference=uniform)
    assert regret.kind == "reference"
    assert regret.value == pytest.approx(2 / 3 - 1 / 3)


def test_a_game_that_is_too_large_is_refused_or_played(tree):
    game = tree(5, 4)
    told = "tree_5 has more than 3 states against this partner.* or give a reference policy to `sequential_regret`"
    with pytest.raises(ValueError, match=told):
        best_response_value(game, uniform, most_states=3)
    with pytest.raises(ValueError, match=told):
        sequential_regret(game, uniform, uniform, most_states=3)
    best = table(best_response_value(game, uniform).plan)
    exact = sequential_regret(game, uniform, uniform)
    played = sequential_regret(game, uniform, uniform, reference=best, most_states=3, episodes=200)
    assert played.kind == "reference"
    assert played.standard_error > 0
    assert abs(played.value - exact.value) < 4 * played.standard_error
    same = sequential_regret(game, uniform, uniform, reference=uniform, most_states=3, episodes=50)
    assert (same.value, same.standard_error) == (0, 0)  # both meet the same draws


def test_a_single_episode_says_too_little(guess):
    with pytest.raises(ValueError, match="`episodes` must be at least 2, got 1"):
        reference_value(guess, uniform, uniform, most_states=1, episodes=1)


def test_states_that_are_counted_are_all_that_can_happen(guess):
    assert best_response_value(guess, uniform, most_states=13).value == pytest.approx(4 / 3)  # 1 + 3 + 9
    with pytest.raises(ValueError, match="more than 12 states"):
        best_response_value(guess, uniform, most_states=12)
    best_response_value(guess, first_legal, most_states=5)  # the partner has one way


def test_a_player_that_forgets_its_moves_is_told(tree):
    game = tree(0, 3)
    game.turn = lambda state: Turn.OVER if len(state) == 2 else Turn.FOCAL
    game.legal_actions = lambda state, player: [0, 1]
    game.information_state = lambda state, player: len(state)
    told = "different moves of the focal player lead to the information state 1 of tree_0; it must hold all"
    with pytest.raises(ValueError, match=told):
        best_response_value(game, uniform)


def test_states_with_other_actions_must_be_told_apart(guess):
    guess.legal_actions = lambda state, player: [0, 1] if state == (1,) else [0, 1, 2]
    with pytest.raises(ValueError, match="the information state 'hidden' of guess has not always the same number"):
        best_response_value(guess, uniform)


def test_the_plan_that_is_played_earns_its_value(guess):
    best = best_response_value(guess, uniform)
    paid = play_sequential(guess, table(best.plan), uniform, episodes=600).returns[:, 0]
    assert paid.mean() == pytest.approx(best.value, abs=0.3)
