"""What a game takes is estimated before it begins, with all that is asked and written."""

import pytest

from agent_tom.asking import room_for_text
from agent_tom.backends import ScriptedBackend
from agent_tom.prompts import Note, Strategy

ASKING = Strategy(name="short", about="", predict="p", act="a", think="t", tokens=50)
NOTED = Strategy(
    name="noted", about="", predict="p", act="a", notes=(Note(ask="n" * 5, tell="{text}", tokens=10, keep=2),)
)


class Bounded(ScriptedBackend):
    longest = 200

    def __init__(self):
        super().__init__(lambda text, probe, options: [1.0])


def room(asking, **settings):
    found = {"opening": "o" * 20, "line": "l" * 10, "rounds": 12, "game": "rps", **settings}
    return room_for_text(Bounded(), asking, **found)


def test_what_is_asked_and_written_is_left_free():
    assert room(ASKING) == 200 - (2 * 3 + 50)
    assert room(NOTED) == 200 - (2 * 2 + 2 * (6 + 10) + 15)


def test_without_a_bound_there_is_always_room():
    backend = ScriptedBackend(lambda text, probe, options: [1.0])
    assert room_for_text(backend, ASKING, opening="o", line="l", rounds=10**6, game="rps") is None


def test_a_game_for_which_there_is_no_room_is_refused_with_a_remedy():
    with pytest.raises(ValueError, match=r"the rules and 13 rounds of rps take about 206 tokens, .* at most 200; play"):
        room(ASKING, rounds=13)
    assert room(ASKING, rounds=13, shorten=True) == 144
    with pytest.raises(ValueError, match="the rules and a round of rps take about 216 tokens.*; take a strategy that"):
        room(ASKING, opening="o" * 150, shorten=True)
