"""Games of OpenSpiel are played here as there, and the best play is worth what OpenSpiel's own search says."""

import numpy as np
import pytest

from agent_tom import best_response, make_game, make_partner
from agent_tom.adapters import (
    OpenSpielGame,
    Turn,
    best_response_value,
    first_legal,
    play_sequential,
    reference_value,
    sequential_regret,
    table,
    uniform,
)

pyspiel = pytest.importorskip("pyspiel", reason="the extra `openspiel` is not installed")

GAMES = [
    ("kuhn_poker", "uniform"),
    ("kuhn_poker", "first"),
    ("leduc_poker", "first"),
    ("liars_dice(dice_sides=2)", "uniform"),
    ("matrix_pd", "uniform"),
    ("goofspiel(num_cards=3)", "first"),
    ("goofspiel(num_cards=3,imp_info=True,points_order=descending)", "uniform"),
]


def both(game, partner):
    """A partner as OpenSpiel's policy, and as ours."""
    from open_spiel.python import policy

    if partner == "uniform":
        return policy.UniformRandomPolicy(game), uniform
    return policy.FirstActionPolicy(game), first_legal


@pytest.mark.parametrize(("name", "partner"), GAMES)
def test_the_best_play_is_worth_what_the_librarys_own_search_says(name, partner):
    from open_spiel.python.algorithms import best_response as theirs

    game = pyspiel.load_game(name)
    known, rule = both(game, partner)
    expected = theirs.BestResponsePolicy(game, 0, known).value(game.new_initial_state())
    ours = OpenSpielGame(name)
    best = best_response_value(ours, rule)
    assert best.value == pytest.approx(expected, abs=1e-12)
    assert reference_value(ours, table(best.plan), rule).value == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("name", ["kuhn_poker", "liars_dice(dice_sides=2)"])
@pytest.mark.parametrize("partner", ["uniform", "first"])
def test_random_play_is_worth_and_loses_what_the_library_says(name, partner):
    from open_spiel.python import policy
    from open_spiel.python.algorithms import best_response as theirs
    from open_spiel.python.algorithms.expected_game_score import policy_value

    game = pyspiel.load_game(name)
    (known, rule), start = both(game, partner), game.new_initial_state()
    worth = policy_value(start, [policy.UniformRandomPolicy(game), known])[0]
    lost = theirs.BestResponsePolicy(game, 0, known).value(start) - worth
    assert reference_value(OpenSpielGame(name), uniform, rule).value == pytest.approx(worth, abs=1e-12)
    assert sequential_regret(OpenSpielGame(name), uniform, rule).value == pytest.approx(lost, abs=1e-12)


def test_poker_by_hand():
    # Of three cards one each; who holds the best and bets is paid 1 if the other passes, 2 if it bets.
    game = OpenSpielGame("kuhn_poker")
    deal = game.start()
    assert game.turn(deal) == Turn.CHANCE
    assert [chance for chance, _ in game.chances(deal)] == pytest.approx([1 / 3] * 3)
    state = game.next_state(game.next_state(deal, 2), 0)
    assert game.turn(state) == Turn.FOCAL
    assert [game.action_name(state, 0, action) for action in game.legal_actions(state, 0)] == ["Pass", "Bet"]
    bet = game.next_state(state, 1)
    assert game.turn(bet) == Turn.PARTNER
    assert [game.returns(game.next_state(bet, answer)) for answer in (0, 1)] == [(1, -1), (2, -2)]
    assert game.turn(state) == Turn.FOCAL  # a state is not changed by what follows it


def test_a_player_does_not_read_the_other_ones_card():
    game = OpenSpielGame("kuhn_poker")
    states = [game.next_state(game.next_state(game.start(), 1), other) for other in (0, 2)]
    assert game.describe(states[0], 0) == game.describe(states[1], 0)
    assert game.information_state(states[0], 0) == game.information_state(states[1], 0)
    assert game.describe(states[0], 1) != game.describe(states[1], 1)


def copies(game, state, player):
    """Tit-for-tat that cooperates first."""
    history = state.history()
    last = history[-2] if history else 0
    return [float(action == last) for action in game.legal_actions(state, player)]


@pytest.mark.parametrize("rounds", [1, 2, 4])
def test_a_repeated_game_is_worth_what_the_matrix_game_is(rounds):
    game = OpenSpielGame(f"repeated_game(stage_game=matrix_pd(),num_repetitions={rounds})")
    matrix = make_game("openspiel:matrix_pd")
    automaton = make_partner("tit_for_tat").automaton(matrix, rounds)
    values = best_response(matrix, automaton, rounds).values[0]
    friendly = automaton.action_dist[:, 0] == 1
    assert best_response_value(game, copies).value == pytest.approx(values[friendly].item())


def test_both_move_at_once():
    game = OpenSpielGame("matrix_bos")
    episodes = play_sequential(game, uniform, uniform, episodes=40)
    theirs = make_game("openspiel:matrix_bos")
    for moves, paid in zip(episodes.moves, episodes.returns.tolist(), strict=True):
        ((turn, joint),) = moves
        assert turn == Turn.BOTH
        assert paid == [theirs.payoffs[joint], theirs.partner_payoffs[joint]]
    assert np.unique(episodes.returns, axis=0).shape == (3, 2)


def test_a_board_is_described_and_hooks_go_first():
    plain = OpenSpielGame(pyspiel.load_game("tic_tac_toe"))
    state = plain.next_state(plain.start(), 4)
    assert plain.name == "openspiel:tic_tac_toe"
    assert plain.describe(state, 1) == "...\n.x.\n..."
    assert plain.action_name(state, 1, 0) == "o(0,0)"
    hooked = OpenSpielGame(
        "tic_tac_toe",
        describe=lambda state, player: f"{player} after {state.history()}",
        action_name=lambda state, player, action: f"{player} takes {action}",
    )
    assert hooked.describe(state, 1) == "1 after [4]"
    assert hooked.action_name(state, 1, 0) == "1 takes 0"


def test_the_board_game_is_won_against_a_partner_that_fills_it_in_order():
    game = OpenSpielGame("tic_tac_toe")
    assert best_response_value(game, first_legal).value == 1
    with pytest.raises(ValueError, match="openspiel:tic_tac_toe has more than 2000 states against this partner"):
        best_response_value(game, uniform, most_states=2000)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("kuhn_poker(players=3)", "openspiel:kuhn_poker\\(players=3\\) has 3 players, but 2 are measured"),
        ("mfg_crowd_modelling", "players|does not tell its chances"),
        ("phantom_go", "openspiel:phantom_go hides things and has no information states in OpenSpiel"),
        ("tic_tac_to", "no game of OpenSpiel is called 'tic_tac_to'; did you mean 'tic_tac_toe'"),
    ],
)
def test_games_that_cannot_be_measured_are_told(name, message):
    with pytest.raises(ValueError, match=message):
        OpenSpielGame(name)
