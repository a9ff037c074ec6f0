"""A question about a long text, with all that is needed to judge an answer."""

import os
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from gpu_commons.table_rows import write_rows

_LEVEL = re.compile(r"(\d+)k", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class LongQuestion:
    """A question, the text that it is about, and what a right answer says.

    Attributes:
        id: Tells one question from another; of the benchmark, or task and number.
        context: The text. Questions about the same text hold the same string.
        question: What is asked.
        answers: Right answers; each metric says whether one or all are wanted.
        task: Name in :data:`TASKS`, which says what metrics judge it.
        length: Of the text as the benchmark counts it: words, characters in Chinese, or tokens.
        level: Group of lengths that it is averaged in, as "16k"; see :func:`level_of`.
        cue: Beginning of the answer, which a reader goes on from; empty if the benchmark has none.
        answer_keywords: What must be in an answer before it is judged at all; empty if the benchmark has none.
        classes: From which the answer is one, in tasks of classification.
    """

    id: str
    context: str
    question: str
    answers: tuple[str, ...]
    task: str
    length: int
    level: str
    cue: str = ""
    answer_keywords: str = ""
    classes: tuple[str, ...] = ()


def level_of(length: int) -> str:
    """The smallest power of two times 1,024 that is not below a length, as "4k"; "1k" at least."""
    thousands = 1
    while thousands * 1024 < length:
        thousands *= 2
    return f"{thousands}k"


def level_order(level: str) -> tuple[float, str]:
    """To sort levels by length; those without a number keep LongBench's order, at the end."""
    found = _LEVEL.findall(level)
    words = {"short": 0.0, "medium": 1.0, "long": 2.0}
    return (float(found[-1]) if found else 1e9 + words.get(level, 3.0), level)


def write_questions(questions: Iterable[LongQuestion], path: str | os.PathLike[str]) -> Path:
    """Write questions as JSONL, each with its text, aside, and rename the file.

    Raises:
        ValueError: If the file's name does not end in .jsonl.
    """
    return write_rows((asdict(question) for question in questions), path)
