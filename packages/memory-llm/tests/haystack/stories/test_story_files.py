"""Stories come back from a file as they were, and a bad row is named."""

import json

import pytest

from memory_llm.haystack.stories import read_stories, variable_tracking, where_is_object, write_stories


@pytest.mark.parametrize("suffix", [".jsonl", ".txt"])
def test_stories_come_back_as_they_were(tmp_path, suffix):
    stories = [*where_is_object(20), *variable_tracking(5), *variable_tracking(5, asked="variables")]
    path = write_stories(iter(stories), tmp_path / "deep" / f"stories{suffix}")
    assert read_stories(path) == stories


def test_support_may_be_unknown(tmp_path):
    path = tmp_path / "stories.jsonl"
    path.write_text('{"lines": ["A."], "question": "Q?", "answer": "a"}\n')
    assert read_stories(path)[0].support == ()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lines": []}, "line 2: `lines` must be a list of texts that are not empty"),
        ({"lines": ["A.", " "]}, "line 2: `lines` must be a list of texts"),
        ({"lines": "A."}, "line 2: `lines` must be a list of texts"),
        ({"support": [3]}, r"line 2: `support` must list numbers of lines from 0 to 2, got \[3\]"),
        ({"support": [True]}, r"line 2: `support` must list numbers of lines from 0 to 2, got \[True\]"),
        ({"support": "0"}, "line 2: `support` must list numbers of lines from 0 to 2, got '0'"),
        ({"answer": ""}, "line 2: the text in column 'answer' is empty"),
        ({"question": None}, "line 2: the text in column 'question' is empty"),
    ],
)
def test_a_bad_row_is_named(tmp_path, milk_story, changes, message):
    path = write_stories([milk_story] * 2, tmp_path / "stories.jsonl")
    first, second = path.read_text().splitlines()
    path.write_text(first + "\n" + json.dumps(json.loads(second) | changes))
    with pytest.raises(ValueError, match=message):
        read_stories(path)


def test_an_empty_file_and_another_suffix_are_named(tmp_path, milk_story):
    (tmp_path / "stories.jsonl").touch()
    with pytest.raises(ValueError, match="stories.jsonl holds no stories"):
        read_stories(tmp_path / "stories.jsonl")
    with pytest.raises(ValueError, match="files of rows are written as .jsonl, not as '.csv'"):
        write_stories([milk_story], tmp_path / "stories.csv")
