"""Stories as rows of BABILong: the lines as one text, a question, a target."""

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from gpu_commons.write_aside import write_text_aside
from memory_llm.haystack.sentences import sentence_spans
from memory_llm.haystack.stories.story import Story

COLUMNS = ("input", "question", "target")


def babilong_row(story: Story) -> dict[str, str]:
    """Columns ``input``, ``question`` and ``target``; which lines are needed is not told."""
    return {"input": " ".join(story.lines), "question": story.question, "target": story.answer}


def write_babilong(stories: Iterable[Story], path: str | os.PathLike[str]) -> Path:
    """Write rows as one JSON list, which the programs of BABILong read, aside, and rename the file.

    Raises:
        ValueError: If the file's name does not end in .json.
    """
    if Path(path).suffix != ".json":
        raise ValueError(f"{path}: rows of BABILong are written as .json, not as {Path(path).suffix!r}.")
    return write_text_aside([json.dumps([babilong_row(story) for story in stories], ensure_ascii=False), "\n"], path)


def read_babilong(path: str | os.PathLike[str]) -> list[Story]:
    """Stories of a JSON list of rows; the lines are the sentences of ``input`` as :func:`sentence_spans` finds them.

    Support is empty. A story line that the text ran together with a neighbour stays together with it.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is not a list of such rows; the message names the row (1-based).
    """
    source = Path(path).expanduser()
    if not source.is_file():
        raise FileNotFoundError(f"no file at {source.absolute()}")
    try:
        rows = json.loads(source.read_text(encoding="utf-8"))
    except ValueError as error:  # not UTF-8, or not JSON
        raise ValueError(f"{source}: is not JSON ({error}); rows of BABILong are one JSON list.") from None
    if not isinstance(rows, list) or not rows:
        raise ValueError(f"{source}: holds no list of rows; rows of BABILong are one JSON list.")
    return [_story(row, f"{source}, row {number}") for number, row in enumerate(rows, 1)]


def _story(row: Any, place: str) -> Story:
    for column in COLUMNS:
        if not isinstance(row, dict) or not isinstance(row.get(column), str) or not row[column].strip():
            raise ValueError(f"{place}: has no text in {column!r}; each row needs {', '.join(COLUMNS)}.")
    text = row["input"]
    lines = tuple(" ".join(text[start:end].split()) for start, end in sentence_spans(text))
    return Story(lines=lines, question=row["question"].strip(), answer=row["target"].strip())
