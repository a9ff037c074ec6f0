"""Stories as JSONL, one a line."""

import os
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from gpu_commons.table_rows import Row, read_rows, write_rows
from memory_llm.haystack.stories.babi_text import read_babi, write_babi
from memory_llm.haystack.stories.story import Story


def write_stories(stories: Iterable[Story], path: str | os.PathLike[str]) -> Path:
    """Write stories aside and rename the file: JSONL, or the layout of bAbI if its name ends in .txt.

    Raises:
        ValueError: If the file's name ends otherwise, or as in :func:`write_babi`.
    """
    if Path(path).suffix == ".txt":
        return write_babi(stories, path)
    return write_rows((asdict(story) for story in stories), path)


def read_stories(path: str | os.PathLike[str]) -> list[Story]:
    """Stories of a file: rows (JSONL or Parquet) with lines, question, answer and, if known, support; or bAbI's .txt.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a row is not a story, or there are none; the message names its line.
    """
    if Path(path).suffix == ".txt":
        return read_babi(path)
    stories = [_story(row) for row in read_rows(Path(path))]
    if not stories:
        raise ValueError(f"{path} holds no stories; make some with `memory-llm memreasoner make-data`.")
    return stories


def _story(row: Row) -> Story:
    lines, support = row.field("lines"), row.values.get("support") or []
    if not isinstance(lines, list) or not lines or not all(isinstance(line, str) and line.strip() for line in lines):
        raise ValueError(f"{row.place}: `lines` must be a list of texts that are not empty.")
    numbers = range(len(lines))
    if not isinstance(support, list) or not all(type(number) is int and number in numbers for number in support):
        raise ValueError(
            f"{row.place}: `support` must list numbers of lines from 0 to {len(lines) - 1}, got {support!r}."
        )
    return Story(lines=tuple(lines), question=row.text("question"), answer=row.text("answer"), support=tuple(support))
