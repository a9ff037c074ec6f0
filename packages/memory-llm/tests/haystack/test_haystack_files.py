"""Haystacks come back from a file as they were, and a bad row is named."""

import json

import pytest

from memory_llm.haystack.haystack_files import read_haystacks, write_haystacks
from memory_llm.haystack.insertion import make_grid


@pytest.fixture
def haystacks(book, tokenizer):
    return list(make_grid(book + "Größe “über” alles.", tokenizer, lengths=[300], depths=[0.0, 1.0], per_cell=2))


def test_haystacks_come_back_as_they_were(haystacks, tmp_path):
    path = write_haystacks(iter(haystacks), tmp_path / "deep" / "er" / "haystacks.jsonl")
    assert list(read_haystacks(path)) == haystacks
    assert [file.name for file in path.parent.iterdir()] == ["haystacks.jsonl"]


def test_a_failed_write_leaves_the_old_file(haystacks, tmp_path):
    path = write_haystacks(haystacks, tmp_path / "haystacks.jsonl")

    def broken():
        yield haystacks[0]
        raise RuntimeError("out of hay")

    with pytest.raises(RuntimeError, match="out of hay"):
        write_haystacks(broken(), path)
    assert list(read_haystacks(path)) == haystacks


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"depth": 2}, "line 2: `depth` must be a number from 0 to 1, got 2"),
        ({"seed": "x"}, "line 2: `seed` must be a whole number and not negative, got 'x'"),
        ({"needle_char": 5}, "line 2: the needle is not at `needle_char` 5"),
        ({"text": ""}, "line 2: the text in column 'text' is empty"),
        ({"needle": {"sentence": "A."}}, "line 2: there is no column 'needle.question'"),
    ],
)
def test_a_bad_row_is_named(haystacks, tmp_path, changes, message):
    path = write_haystacks(haystacks[:2], tmp_path / "haystacks.jsonl")
    first, second = path.read_text(encoding="utf-8").splitlines()
    path.write_text(first + "\n" + json.dumps(json.loads(second) | changes), encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        list(read_haystacks(path))


def test_another_suffix_is_refused(haystacks, tmp_path):
    with pytest.raises(ValueError, match="files of rows are written as .jsonl, not as '.txt'"):
        write_haystacks(haystacks, tmp_path / "haystacks.txt")
