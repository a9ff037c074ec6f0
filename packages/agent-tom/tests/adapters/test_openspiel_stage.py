"""A matrix game of OpenSpiel is the same game here, for partners, agents and the optimum."""

import sys

import numpy as np
import pytest

from agent_tom import best_response, make_agent, make_game, make_partner, play, scale_of
from agent_tom.adapters import from_openspiel
from agent_tom.metrics import measure
from agent_tom.study import Study, run_study, table

pyspiel = pytest.importorskip("pyspiel", reason="the extra `openspiel` is not installed")

MATRIX_GAMES = [
    "matrix_rps",
    "matrix_pd",
    "matrix_bos",
    "matrix_mp",
    "matrix_sh",
    "matrix_rpsw",
    "matrix_shapleys_game",
]


@pytest.mark.parametrize("name", MATRIX_GAMES)
def test_payoffs_and_names_are_those_of_the_library(name):
    game, theirs = make_game(f"openspiel:{name}"), pyspiel.load_matrix_game(name)
    assert game.name == f"openspiel:{name}"
    assert game.payoffs.tolist() == theirs.row_utilities().tolist()
    assert game.partner_payoffs.tolist() == theirs.col_utilities().tolist()
    assert game.actions == tuple(theirs.row_action_name(row) for row in range(theirs.num_rows()))
    assert game.partner_actions == tuple(theirs.col_action_name(column) for column in range(theirs.num_cols()))


def test_the_prisoners_dilemma_by_hand():
    game = make_game("openspiel:matrix_pd")
    assert game.actions == ("Cooperate", "Defect")
    assert game.payoffs.tolist() == [[5, 0], [10, 1]]
    assert game.partner_payoffs.tolist() == [[5, 10], [0, 1]]


def test_seats_of_different_sizes_are_not_mixed_up():
    game = from_openspiel(pyspiel.create_matrix_game([[1, 2, 3], [4, 5, 6]], [[6, 5, 4], [3, 2, 1]]))
    assert game.payoffs.tolist() == [[1, 2, 3], [4, 5, 6]]
    assert game.partner_payoffs.tolist() == [[6, 5, 4], [3, 2, 1]]


def test_a_one_shot_game_that_is_no_matrix_for_the_library_is_one_here():
    game = make_game("openspiel:blotto(coins=3,fields=2)")
    place = game.actions.index("[1,2]"), game.partner_actions.index("[3,0]")
    assert game.num_actions == 4  # 0 to 3 coins on the first field
    assert (game.payoffs[place], game.partner_payoffs[place]) == (0, 0)  # a field for each
    assert np.array_equal(game.payoffs, -game.partner_payoffs)


@pytest.mark.parametrize("stage", ["matrix_pd()", "blotto(coins=3,fields=2)"])
def test_of_a_repeated_game_the_stage_is_taken(stage):
    repeated = make_game(f"openspiel:repeated_game(stage_game={stage},num_repetitions=7)")
    once = make_game(f"openspiel:{stage}")
    assert repeated.actions == once.actions
    assert np.array_equal(repeated.payoffs, once.payoffs)


def test_it_is_played_and_measured_as_our_own_game_is():
    ours, theirs = make_game("rps"), make_game("openspiel:matrix_rps")
    partner = make_partner("tit_for_tat")
    found = []
    for game in (ours, theirs):
        automaton = partner.automaton(game, 20)
        episodes = play(game, automaton, make_agent("rmax"), horizon=20, episodes=5)
        found.append((scale_of(game, automaton, 20), measure(game, automaton, episodes).values["regret"].tolist()))
        assert best_response(game, automaton, 20).values[0].max() == pytest.approx(20)
    assert found[0] == found[1]


def test_plans_name_it(tmp_path):
    study = Study(
        games=["openspiel:matrix_pd"], partners=["tit_for_tat"], agents=["oracle"], horizon=4, episodes=2, seed=1
    )
    assert run_study(study, tmp_path, progress=False) == 1
    (row,) = table(tmp_path, resamples=10)
    assert row["game"] == "openspiel:matrix_pd"
    assert row["regret"] == pytest.approx((0, 0, 0), abs=1e-12)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("matrix_rp", "no game of OpenSpiel is called 'matrix_rp'; did you mean 'matrix_rps'"),
        ("", "no game of OpenSpiel is called ''; there are .* and [0-9]+ more"),
        ("blotto(gold=3)", "OpenSpiel cannot make 'blotto\\(gold=3\\)': Unknown parameter 'gold'"),
        ("nfg_game", "OpenSpiel cannot make 'nfg_game'"),
        ("kuhn_poker", "openspiel:kuhn_poker has 2 players and begins with a move of one of them or of chance"),
        ("matching_pennies_3p", "has 3 players and begins with a move of all at once"),
        ("oshi_zumo", "openspiel:oshi_zumo goes on after a joint move, so it is no matrix game but an `OpenSpielGame`"),
    ],
)
def test_what_is_no_matrix_game_is_told(name, message):
    with pytest.raises(ValueError, match=message):
        make_game(f"openspiel:{name}")


def test_without_the_library_the_pip_line_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyspiel", None)
    with pytest.raises(ImportError, match="games of OpenSpiel need: pip install 'agent-tom\\[openspiel\\]'"):
        make_game("openspiel:matrix_rps")
