"""A text keeps its opening and as many of the last rounds as there is room for, whatever stands beside it."""

from hypothesis import given
from hypothesis import strategies as st

from agent_tom.asking import Transcript
from agent_tom.backends import ScriptedBackend

ROOM, OPENING = 24, "rules\n"
LINES = st.lists(st.text("ab", min_size=1, max_size=9), min_size=1, max_size=12)


def backend():
    return ScriptedBackend(lambda text, probe, options: [1.0])  # a letter is a token


def last_that_fit(lines):
    start = 0
    while len(OPENING) + sum(map(len, lines[start:])) > ROOM:
        start += 1
    return OPENING + "".join(lines[start:])


@given(st.lists(LINES, min_size=1, max_size=3))
def test_the_last_lines_that_fit_are_kept(rows):
    length = min(map(len, rows))
    transcript = Transcript(backend(), [OPENING] * len(rows), room=ROOM)
    for place in range(length):
        transcript.append([lines[place] for lines in rows])
        assert transcript.backend.texts == [last_that_fit(lines[: place + 1]) for lines in rows]


@given(LINES)
def test_without_a_bound_everything_is_kept(lines):
    transcript = Transcript(backend(), [OPENING])
    for line in lines:
        transcript.append([line])
    assert transcript.backend.texts == [OPENING + "".join(lines)]
    assert transcript.rounds_read == [len(lines)]
    assert transcript.backend.tokens_read == len(OPENING) + sum(map(len, lines))


def test_a_summary_stands_in_the_place_of_the_older_half():
    seen = []

    def summarise(aside, rows):
        seen.append((list(rows), list(aside.texts)))
        return [f"<{aside.texts[0].count('a')}>\n"] * len(rows)

    transcript = Transcript(backend(), [OPENING, OPENING], room=ROOM, summarise=summarise)
    for _ in range(4):
        transcript.append(["aaaa\n", "b\n"])
    # The first text has room for three lines; the fourth makes two fall out, and the second text is not touched.
    assert seen == [([0], ["rules\naaaa\naaaa\n"])]
    assert transcript.backend.texts == ["rules\n<8>\naaaa\naaaa\n", "rules\n" + 4 * "b\n"]
    assert transcript.rounds_read == [2, 4]
    transcript.append(["aaaa\n", "b\n"])
    assert seen[1] == ([0], ["rules\n<8>\naaaa\n"])  # an earlier summary is summed up with what falls out
    assert transcript.backend.texts[0] == "rules\n<4>\naaaa\naaaa\n"


def test_what_is_read_anew_is_counted():
    transcript = Transcript(backend(), [OPENING], room=ROOM)
    for _ in range(3):
        transcript.append(["1234567\n"])
    assert transcript.backend.tokens_read == 6 + 8 + 8 + (6 + 16)
    assert transcript.rounds_read == [2]
