"""Games of TextArena are played move by move, by moves that the user says are legal."""

import random
import sys

import numpy as np
import pytest

from agent_tom.adapters import TextArenaGame, Turn, best_response_value, first_legal, play_sequential, uniform

textarena = pytest.importorskip("textarena", reason="the extra `textarena` is not installed")


def takes(env, player):
    piles = env.state.game_state["piles"]
    return [f"[{place} {taken}]" for place, pile in enumerate(piles) for taken in range(1, pile + 1)]


def nim(*piles, **changes):
    settings = {"legal_actions": takes, **changes}
    return TextArenaGame(lambda: textarena.make("Nim-v0", piles=list(piles)), **settings)


def perfect(game, state, player):
    """Leaves piles whose binary sum is 0, if it can."""
    legal = game.legal_actions(state, player)
    piles = state.env.state.game_state["piles"]

    def left(action):
        place, taken = map(int, action.strip("[]").split())
        rest = [pile - taken if place == number else pile for number, pile in enumerate(piles)]
        return rest[0] ^ rest[1]

    good = [float(left(action) == 0) for action in legal]
    return [one / sum(good) for one in good] if any(good) else uniform(game, state, player)


@pytest.mark.parametrize(("piles", "value"), [((1, 2), 1), ((2, 2), -1), ((1, 1), -1), ((3, 1), 1)])
def test_the_sum_of_piles_decides_who_wins(piles, value):
    game = nim(*piles)
    assert best_response_value(game, perfect).value == value
    assert best_response_value(game, uniform).value >= value


def test_what_a_player_reads_is_what_the_game_told_it():
    game = nim(1, 2)
    state = game.next_state(game.start(), "[1 2]")
    assert game.turn(state) == Turn.PARTNER
    assert game.legal_actions(state, 1) == ["[0 1]"]
    text = game.describe(state, 1)
    assert text.startswith("[GAME] Welcome to Nim, Player 1!")
    assert "[GAME] Player 0 removes 2 from pile 1." in text
    assert game.describe(game.start(), 1) in text
    assert game.information_state(state, 0) != game.information_state(game.start(), 0)
    assert nim(1, 2, describe=lambda state, player: f"{player}!").describe(state, 1) == "1!"


def test_an_episode_ends_with_the_games_rewards():
    episodes = play_sequential(nim(2, 1), first_legal, first_legal, episodes=2)
    moves = ((Turn.FOCAL, "[0 1]"), (Turn.PARTNER, "[0 1]"), (Turn.FOCAL, "[1 1]"))
    assert episodes.moves == (moves, moves)
    assert episodes.returns.tolist() == [[1, -1]] * 2


def test_names_can_be_given_and_the_id_is_the_name():
    game = TextArenaGame("Nim-v0", legal_actions=takes, action_name=lambda state, player, action: action.strip("[]"))
    assert game.name == "textarena:Nim-v0"
    assert game.action_name(game.start(), 0, "[2 5]") == "2 5"


def test_a_move_that_the_game_refuses_is_told():
    with pytest.raises(ValueError, match="textarena:Nim-v0 refuses the move 'all'; let `legal_actions` give only"):
        nim(1, 2, legal_actions=lambda env, player: ["all"])


def test_a_game_whose_chance_the_seed_does_not_fix_is_refused():
    class Cards(textarena.Env):
        def reset(self, num_players, seed=None):
            self.state = textarena.TwoPlayerState(num_players=num_players, seed=seed)
            card = np.random.default_rng().random() if self.lost else random.random()
            self.state.reset(player_prompt_function=lambda player_id, game_state: f"Your card is {card}.")

        def step(self, action):
            self.state.set_draw(reason="over")
            return self.state.step()

    Cards.lost = False
    game = TextArenaGame(Cards, legal_actions=lambda env, player: ["on"], seeds=[1, 2])
    assert len({game.describe(game.next_state(game.start(), seed), 0) for seed in (1, 2, 2)}) == 2
    Cards.lost = True
    with pytest.raises(
        ValueError, match="textarena:Cards goes another way when the same moves are played after the same"
    ):
        TextArenaGame(Cards, legal_actions=lambda env, player: ["on"])


def test_the_random_numbers_of_the_process_are_put_back(monkeypatch):
    game, put_back = nim(1, 2), []
    monkeypatch.setattr(random, "setstate", put_back.append)
    game.start()
    assert len(put_back) == 1


def test_an_unknown_game_is_told():
    with pytest.raises(ValueError, match="no game of TextArena is called 'Nimm-v0'; did you mean 'Nim-v0'"):
        TextArenaGame("Nimm-v0", legal_actions=takes)


def test_without_the_library_the_pip_line_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "textarena", None)
    with pytest.raises(ImportError, match="games of TextArena need: pip install 'agent-tom\\[textarena\\]'"):
        TextArenaGame("Nim-v0", legal_actions=takes)
