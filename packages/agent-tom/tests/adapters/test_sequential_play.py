"""Episodes follow the policies, and depend on seed and number alone."""

import re

import numpy as np
import pytest

from agent_tom.adapters import Turn, first_legal, play_sequential, reference_value, table, uniform


def fixed(*dist):
    return lambda game, state, player: dist


def test_an_episode_is_the_same_whoever_else_is_played(tree):
    game = tree(1, 4)
    ten = play_sequential(game, uniform, uniform, episodes=10, seed=3)
    again = play_sequential(game, uniform, uniform, episodes=10, seed=3)
    some = play_sequential(game, uniform, uniform, episodes=[7, 2], seed=3)
    assert ten.moves == again.moves
    assert some.numbers.tolist() == [7, 2]
    assert some.moves == (ten.moves[7], ten.moves[2])
    assert some.returns.tolist() == ten.returns[[7, 2]].tolist()
    assert play_sequential(game, uniform, uniform, episodes=10, seed=4).moves != ten.moves


def test_moves_lead_to_the_returns(tree):
    game = tree(2, 5)
    episodes = play_sequential(game, uniform, uniform, episodes=20)
    turns = set()
    for moves, paid in zip(episodes.moves, episodes.returns.tolist(), strict=True):
        state = game.start()
        for turn, action in moves:
            assert turn == game.turn(state)
            turns.add(turn)
            state = game.next_state(state, action)
        assert tuple(paid) == game.returns(state)
    assert len(turns) > 2


def test_the_partner_meets_the_same_draws_whoever_plays(guess):
    first = play_sequential(guess, fixed(1, 0, 0), uniform, episodes=50)
    second = play_sequential(guess, fixed(0, 0, 1), uniform, episodes=50)
    assert [moves[0] for moves in first.moves] == [moves[0] for moves in second.moves]
    assert [moves[1] for moves in first.moves] == [(Turn.FOCAL, 0)] * 50


def test_moves_are_as_frequent_as_a_policy_says(guess):
    episodes = play_sequential(guess, fixed(0.2, 0, 0.8), fixed(0.5, 0.5, 0), episodes=1000, seed=1)
    hidden, guessed = (np.array([moves[turn][1] for moves in episodes.moves]) for turn in (0, 1))
    assert np.bincount(hidden, minlength=3) / 1000 == pytest.approx([0.5, 0.5, 0], abs=0.05)
    assert np.bincount(guessed, minlength=3) / 1000 == pytest.approx([0.2, 0, 0.8], abs=0.05)
    assert (np.bincount(guessed[hidden == 0], minlength=3) / (hidden == 0).sum())[0] == pytest.approx(0.2, abs=0.05)


def test_players_that_move_at_once_draw_apart(guess):
    guess.turn = lambda state: Turn.OVER if state else Turn.BOTH
    guess.returns = lambda state: (0.0, 0.0)
    episodes = play_sequential(guess, uniform, uniform, episodes=150)
    assert len({joint for ((_, joint),) in episodes.moves}) == 9


@pytest.mark.parametrize("seed", [5, 6, 11])
def test_what_is_played_is_worth_what_is_expected(tree, seed):
    game = tree(seed, 4)
    expected = reference_value(game, uniform, first_legal)
    played = reference_value(game, uniform, first_legal, most_states=1, episodes=400)
    assert (expected.kind, expected.standard_error, played.kind) == ("reference", 0, "reference")
    assert abs(played.value - expected.value) <= 4 * played.standard_error + 1e-9


def test_a_table_is_asked_by_information_state(guess):
    known = table({"hidden": [0, 1, 0]}, otherwise=first_legal)
    assert known(guess, (2,), 0) == [0, 1, 0]
    assert table({}, otherwise=first_legal)(guess, (2,), 0) == [1, 0, 0]
    assert table({})(guess, (2,), 0) == [1 / 3] * 3


@pytest.mark.parametrize("dist", [(0.5, 0.5), (0.5, 0.5, 0.5), (1.5, -0.5, 0), (float("nan"), 0, 1)])
@pytest.mark.parametrize("player", [0, 1])
def test_what_is_no_distribution_over_legal_actions_is_told(guess, dist, player):
    policies = [uniform, uniform]
    policies[player] = fixed(*dist)
    told = f"the policy of player {player} in guess gives {list(map(float, dist))} for the 3 legal actions"
    with pytest.raises(ValueError, match=re.escape(told)):
        play_sequential(guess, *policies)


def test_no_episode_is_refused(guess):
    with pytest.raises(ValueError, match="`episodes` must be at least 1, got 0"):
        play_sequential(guess, uniform, uniform, episodes=0)


def test_a_game_with_a_turn_of_chance_must_tell_it(guess):
    with pytest.raises(NotImplementedError, match="guess has a turn of chance, so it must say `chances`"):
        guess.chances(())
