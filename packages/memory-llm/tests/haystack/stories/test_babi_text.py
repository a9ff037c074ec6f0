"""bAbI's text becomes stories and comes back, supports keep pointing at their lines, and every fault is placed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_llm.haystack.stories import Story, read_babi, write_babi
from memory_llm.haystack.stories.babi_text import hop_order

TWO_STORIES = """1 Anna went to the cellar.
2 Where is Anna? \tcellar\t1
3 Anna got the lamp there.
4 Bert travelled to the cellar.
5 Anna went back to the roof.
6 Where is the lamp? \troof\t3 5
1 Bert moved to the roof.
2 Bert took the lamp.
3 Where is the lamp?\troof\t1 2
"""


@pytest.fixture
def read(tmp_path):
    def read_text(text):
        path = tmp_path / "task.txt"
        path.write_text(text, encoding="utf-8")
        return read_babi(path)

    return read_text


def test_a_story_is_all_lines_before_a_question_and_no_question(read):
    first, second, third = read(TWO_STORIES)
    assert (first.lines, first.question, first.answer) == (("Anna went to the cellar.",), "Where is Anna?", "cellar")
    assert len(second.lines) == 4
    assert third.lines == ("Bert moved to the roof.", "Bert took the lamp.")


def test_questions_count_in_the_files_numbers_and_not_in_ours(read):
    """Line 5 of the file is fact 3 of the story: a question stands between."""
    assert [story.support for story in read(TWO_STORIES)] == [(0,), (1, 3), (1, 0)]


GETS = ("grabbed", "took", "got", "picked up")
DROPS = ("dropped", "put down", "discarded", "left")
MOVES = ("went to", "went back to", "journeyed to", "travelled to", "moved to")


@pytest.mark.parametrize("verb", GETS + DROPS)
@pytest.mark.parametrize("there", ["", " there"])
@pytest.mark.parametrize("ids", ["1 2", "2 1"])
def test_the_line_about_the_object_is_the_first_hop_whatever_the_verb(read, verb, there, ids):
    for move in MOVES:
        told = (f"Mary {move} the office.", f"Mary {verb} the milk{there}.")
        for lines in (told, told[::-1]):
            text = "".join(f"{number} {line}\n" for number, line in enumerate(lines, 1))
            (story,) = read(f"{text}3 Where is the milk? \toffice\t{ids}\n")
            assert [story.lines[number] for number in story.support] == [told[1], told[0]]


def test_lines_that_share_as_much_with_the_question_stay_in_order():
    lines = ["VAR X3 = VAR X2.", "VAR X2 = VAR X1.", "VAR X1 = 5."]
    assert hop_order(lines, "What is the value of VAR X3?", [0, 1, 2]) == (0, 1, 2)


WORDS = st.lists(st.text(alphabet="abcXYZ19", min_size=1, max_size=4), min_size=1, max_size=5).map(" ".join)


LINES = st.lists(WORDS, min_size=1, max_size=6)


@given(parts=st.lists(st.tuples(LINES, WORDS, WORDS, st.permutations(range(6))), min_size=1, max_size=4))
def test_stories_come_back_as_they_were(parts, tmp_path_factory):
    told = []
    for lines, question, answer, permutation in parts:
        support = hop_order(lines, question, [number for number in permutation[:3] if number < len(lines)])
        told.append(Story(lines=tuple(lines), question=question, answer=answer, support=support))
    path = write_babi(told, tmp_path_factory.mktemp("babi") / "deep" / "task.txt")
    assert read_babi(path) == told
    assert [file.name for file in path.parent.iterdir()] == ["task.txt"]


def test_answers_of_several_words_are_written_with_commas(tmp_path):
    told = Story(lines=("A.",), question="What?", answer="apple milk", support=(0,))
    path = write_babi([told], tmp_path / "task.txt")
    assert path.read_text() == "1 A.\n2 What? \tapple,milk\t1\n"
    assert read_babi(path) == [told]


def test_blank_lines_foreign_line_ends_and_a_byte_order_mark_are_passed_over(read):
    assert read("\ufeff" + TWO_STORIES.replace("\n", "\r\n\r\n")) == read(TWO_STORIES)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 A.\n3 B.\n", "task.txt, line 2: number 3 follows 1; numbers must rise by one"),
        ("1 A.\n2 B.\n2 C.\n", "line 3: number 2 follows 2"),
        ("2 A.\n", "line 1: number 2 follows 0"),
        ("1 A.\n2 Where is A?\n", "line 2: the question has no answer; put a tab"),
        ("1 A.\n2 Where is A? \t\t1\n", "line 2: must be `ID question<TAB>answer<TAB>ids`"),
        ("1 A.\n2 Where is A? \tb\t1\t2\n", "line 2: must be `ID question<TAB>answer<TAB>ids`"),
        ("1 Where is A? \tb\t1\n", "line 1: no line stands before the question"),
        ("1 A.\n2 Q? \tb\t1\n3 Q? \tb\t2\n", "line 3: supporting line '2' is no line before this question, or is a"),
        ("1 A.\n2 Q? \tb\t7\n", "line 2: supporting line '7' is no line before this question"),
        ("1 A.\n2 Q? \tb\tone\n", "line 2: supporting line 'one' is no line"),
        ("1 A.\n2 Q? \tb\t3\n3 B.\n", "line 2: supporting line '3' is no line before"),
        ("1 A.\nMary went.\n", "line 2: must hold a number, a blank and a sentence"),
        ("1 A.\n2 B.\n", "task.txt: holds no question"),
        ("", "task.txt: holds no question"),
    ],
)
def test_every_fault_is_named_with_its_place(read, text, message):
    with pytest.raises(ValueError, match=message):
        read(text)


def test_a_missing_file_is_named_in_full(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no file at /.*none\.txt"):
        read_babi(tmp_path / "none.txt")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"lines": ()}, "story 1 has no lines"),
        ({"lines": ("Is it?",)}, r"story 1: '\?' in 'Is it\?' cannot be written"),
        ({"lines": ("a\tb",)}, r"story 1: '\\t' in"),
        ({"question": "What\nis?"}, r"story 1: '\\n' in"),
    ],
)
def test_what_the_layout_cannot_say_is_refused_and_leaves_no_file(tmp_path, fields, message):
    whole = {"lines": ("A.",), "question": "What?", "answer": "a"}
    with pytest.raises(ValueError, match=message):
        write_babi([Story(**whole), Story(**whole | fields)], tmp_path / "task.txt")
    assert not (tmp_path / "task.txt").exists()
