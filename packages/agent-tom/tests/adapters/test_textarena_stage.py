"""Rounds of TextArena's repeated games are matrix games, and what is none is refused."""

import random
import re
import sys

import pytest

from agent_tom import from_textarena, make_game
from agent_tom.adapters.textarena_stage import own_chance, unwrapped

textarena = pytest.importorskip("textarena", reason="the extra `textarena` is not installed")


@pytest.mark.parametrize(
    ("name", "actions", "ours", "theirs"),
    [
        ("IteratedPrisonersDilemma-v0", ("cooperate", "defect"), [[3, 0], [5, 1]], [[3, 5], [0, 1]]),
        ("IteratedPrisonersDilemma-v0-train", ("cooperate", "defect"), [[3, 0], [5, 1]], [[3, 5], [0, 1]]),
        ("IteratedMatchingPennies-v0", ("heads", "tails"), [[1, 0], [0, 1]], [[0, 1], [1, 0]]),
        (
            "IteratedRockPaperScissors-v0",
            ("rock", "paper", "scissors"),
            [[0, 0, 1], [1, 0, 0], [0, 1, 0]],
            [[0, 1, 0], [0, 0, 1], [1, 0, 0]],
        ),
    ],
)
def test_a_round_is_worth_what_it_adds_to_the_scores(name, actions, ours, theirs):
    game = make_game(f"textarena:{name}")
    assert game.name == f"textarena:{name}"
    assert game.actions == game.partner_actions == actions
    assert game.payoffs.tolist() == ours
    assert game.partner_payoffs.tolist() == theirs


def test_the_stag_hunt_is_a_game_or_its_error_is_told():
    if sys.version_info < (3, 12):  # its source needs a newer Python
        with pytest.raises(ValueError, match="TextArena cannot make 'IteratedStagHunt-v0' in this Python: "):
            make_game("textarena:IteratedStagHunt-v0")
    else:
        assert make_game("textarena:IteratedStagHunt-v0").payoffs.tolist() == [[10, 1], [8, 5]]
        with pytest.raises(ValueError, match="`TextArenaGame`"):
            make_game("textarena:IteratedStagHunt-v0-randomized")


def test_an_environment_with_other_payoffs_is_another_game():
    env = textarena.make("IteratedPrisonersDilemma-v0", num_rounds=2, communication_turns=2, defect_reward=9)
    assert from_textarena(env).payoffs.tolist() == [[3, 0], [9, 1]]


def test_moves_can_be_given():
    game = from_textarena("IteratedTwoThirdsAverage-v0", actions=["0", "40", "100"])
    assert game.payoffs.tolist() == [[0, 1, 1], [0, 0, 1], [0, 0, 0]]
    assert game.partner_payoffs.tolist() == game.payoffs.T.tolist()


class Growing(textarena.Env):
    """Each round is worth more than the one before."""

    def reset(self, num_players, seed=None):
        self.state = textarena.TwoPlayerState(num_players=num_players, seed=seed)
        self.state.reset(game_state={"points": {0: 0, 1: 0}, "worth": 1})

    def step(self, action):
        if self.state.current_player_id == 1:
            self.state.game_state["points"][1] += self.state.game_state["worth"]
            self.state.game_state["worth"] += 1
        return self.state.step()


class Alone(Growing):
    """The first player moves twice."""

    def step(self, action):
        return self.state.step(rotate_player=False)


@pytest.mark.parametrize(
    ("env", "actions", "message"),
    [
        ("IteratedPrisonerDilemma-v0", None, "did you mean 'IteratedPrisonersDilemma-v0'"),
        ("", None, "no game of TextArena is called ''; there are .* and [0-9]+ more"),
        ("TicTacToe-v0", None, "the moves of textarena:TicTacToe-v0 are not known here; give them as `actions`"),
        ("Nim-v0", ["0 1", "1 1"], "textarena:Nim-v0 keeps no scores of rounds, so .* play it as a `TextArenaGame`"),
        ("IteratedTwoThirdsAverage-v0", ["most"], re.escape("does not take [most] as a move; give `actions` that it")),
        (
            Growing(),
            ["a", "b"],
            "textarena:Growing pays 0 and 1 at \\(a, a\\) in a first round, but 0 and 2 in round 2",
        ),
        (Alone(), ["a", "b"], "players of textarena:Alone do not choose one after the other"),
    ],
)
def test_what_is_no_matrix_game_is_told(env, actions, message):
    with pytest.raises(ValueError, match=message):
        from_textarena(env, actions=actions)


def test_the_random_numbers_of_the_process_are_left_alone():
    env = unwrapped("IteratedMatchingPennies-v0")
    before = random.getstate()  # not around a whole call: the checks of types draw numbers too
    with own_chance():
        env.reset(num_players=2, seed=5)
        assert random.getstate() != before
    assert random.getstate() == before


def test_without_the_library_the_pip_line_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "textarena", None)
    with pytest.raises(ImportError, match="games of TextArena need: pip install 'agent-tom\\[textarena\\]'"):
        make_game("textarena:IteratedPrisonersDilemma-v0")
