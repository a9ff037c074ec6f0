"""Rows of BABILong are what its programs read, and come back as lines."""

import json

import pytest

from memory_llm.haystack.stories import dilute_all, read_babilong, where_is_object, write_babilong
from memory_llm.haystack.stories.filler import split_filler


def test_a_row_is_text_question_and_target(tmp_path, milk_story):
    path = write_babilong([milk_story], tmp_path / "qa2" / "0k.json")
    text = "Mary went to the garden. John moved to the office. Mary took the milk there."
    assert json.loads(path.read_text()) == [{"input": text, "question": "Where is the milk?", "target": "garden"}]
    assert [file.name for file in path.parent.iterdir()] == ["0k.json"]


def test_diluted_stories_come_back_line_by_line(tmp_path):
    book = ' "Is it?" cried she.\n\nChapter\n\nHe said it\nwas so. Mr. B. Grey came in today! "No, I never did."' * 5
    filler = split_filler(book + "".join(f" It was day {number}." for number in range(30)))
    stories = list(dilute_all(where_is_object(20), filler.train + filler.test, 40))
    back = read_babilong(write_babilong(stories, tmp_path / "1k.json"))
    assert [(story.lines, story.question, story.answer) for story in back] == [
        (story.lines, story.question, story.answer) for story in stories
    ]
    assert all(story.support == () for story in back)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"not json", "rows.json: is not JSON"),
        (b'"\xff"', "rows.json: is not JSON"),
        (b'{"input": "A."}', "rows.json: holds no list of rows"),
        (b"[]", "rows.json: holds no list of rows"),
        (b'[{"input": "A.", "question": "?", "target": "a"}, {"input": "A.", "question": "?"}]', "json, row 2: has no text in 'target'"),
        (b'[{"input": " ", "question": "Q?", "target": "a"}]', "row 1: has no text in 'input'"),
        (b"[1]", "row 1: has no text in 'input'; each row needs input, question, target"),
    ],
)  # fmt: skip
def test_what_is_no_row_is_named(tmp_path, content, message):
    path = tmp_path / "rows.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_babilong(path)


def test_a_missing_file_and_another_suffix_are_named(tmp_path, milk_story):
    with pytest.raises(FileNotFoundError, match=r"no file at /.*none\.json"):
        read_babilong(tmp_path / "none.json")
    with pytest.raises(ValueError, match="rows of BABILong are written as .json, not as '.jsonl'"):
        write_babilong([milk_story], tmp_path / "rows.jsonl")
