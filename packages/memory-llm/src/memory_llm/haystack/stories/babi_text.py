"""Stories in the text layout of bAbI: numbered lines, and questions among them with answer and supporting lines."""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from gpu_commons.table_rows import read_lines
from gpu_commons.write_aside import write_text_aside
from memory_llm.haystack.stories.story import Story

_NUMBERED = re.compile(r"(\d+) (.*)")
_WORD = re.compile(r"\w+")


def read_babi(path: str | os.PathLike[str]) -> list[Story]:
    """Every question of a file, as a story of all lines before it that are no questions.

    Numbers of supporting lines count the questions too and start at 1; in a :class:`Story` they count lines only and
    start at 0, in hop order (:func:`hop_order`). An answer of several words, ``apple,milk``, gets blanks for commas.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a line is not in the layout, or there is no question; the message names file and line.

    Source: files of bAbI v1.2 (Weston et al. 2015); a story a question as in BABILong (Kuratov et al. 2024).
    """
    source = Path(path).expanduser()
    if not source.is_file():
        raise FileNotFoundError(f"no file at {source.absolute()}")
    stories: list[Story] = []
    facts: dict[int, str] = {}
    for place, number, text in _numbered_lines(source):
        if number == 1:
            facts = {}
        if "\t" in text:
            stories.append(_story(text, facts, place))
        elif "?" in text:
            raise ValueError(
                f"{place}: the question has no answer; put a tab, the answer, a tab and line numbers after it."
            )
        else:
            facts[number] = text
    if not stories:
        raise ValueError(f"{source}: holds no question; a question line is `ID question<TAB>answer<TAB>ids`.")
    return stories


def write_babi(stories: Iterable[Story], path: str | os.PathLike[str]) -> Path:
    """Write stories, one question each, aside, and rename the file; :func:`read_babi` reads the same stories.

    Raises:
        ValueError: If a story cannot be told from another in this layout: it has no lines, or a line or the question
            holds a tab, a line end, or, in a line, a question mark.
    """
    return write_text_aside((_layout(story, number) for number, story in enumerate(stories)), path)


def hop_order(lines: Sequence[str], question: str, support: Iterable[int]) -> tuple[int, ...]:
    """Numbers of supporting lines, first those with the most words of the question, else as they were.

    For "Where is the milk?" the line in which the milk is taken or put down comes before the move of its holder, which
    names no milk, whichever happened first and whatever verb tells it. A model that hops finds them in this order.

    Source: MemReasoner spec 1.7. Files list the lines by number, or in an order of their own.
    """
    asked = _words(question)
    return tuple(sorted(support, key=lambda number: -len(asked & _words(lines[number]))))


def _numbered_lines(source: Path) -> Iterator[tuple[str, int, str]]:
    """Place, number in the story, and text of every line that is not blank."""
    before = 0
    for row, line in enumerate(read_lines(source), 1):
        if not line.strip():
            continue
        place = f"{source}, line {row}"
        found = _NUMBERED.match(line)
        if found is None or not found[2].strip():
            raise ValueError(f"{place}: must hold a number, a blank and a sentence, as in `1 Mary went to the garden.`")
        number = int(found[1])
        if number not in (1, before + 1):
            raise ValueError(
                f"{place}: number {number} follows {before}; numbers must rise by one and start at 1 with each story."
            )
        before = number
        yield place, number, found[2].strip(" \r\n")


def _story(text: str, facts: dict[int, str], place: str) -> Story:
    question, answer, *rest = (field.strip() for field in text.split("\t"))
    if not question or not answer or len(rest) > 1:
        raise ValueError(f"{place}: must be `ID question<TAB>answer<TAB>ids`, with a question and an answer.")
    if not facts:
        raise ValueError(f"{place}: no line stands before the question; a story needs one to answer from.")
    lines = tuple(facts.values())
    support = [_line_of(identifier, facts, place) for identifier in "".join(rest).split()]
    return Story(
        lines=lines, question=question, answer=" ".join(answer.split(",")), support=hop_order(lines, question, support)
    )


def _line_of(identifier: str, facts: dict[int, str], place: str) -> int:
    """Number of the fact among the facts."""
    if not identifier.isdecimal() or int(identifier) not in facts:
        raise ValueError(
            f"{place}: supporting line {identifier!r} is no line before this question, or is a question itself; name one "
            f"of {', '.join(map(str, facts))}."
        )
    return list(facts).index(int(identifier))


def _layout(story: Story, number: int) -> str:
    if not story.lines:
        raise ValueError(f"story {number} has no lines; a story needs one to answer from.")
    for text, forbidden in [*((line, "\t\n\r?") for line in story.lines), (story.question, "\t\n\r")]:
        bad = [mark for mark in forbidden if mark in text]
        if bad:
            raise ValueError(
                f"story {number}: {bad[0]!r} in {text[:60]!r} cannot be written in the layout of bAbI; write the stories "
                "as .jsonl."
            )
    texts = [f"{row} {line}\n" for row, line in enumerate(story.lines, 1)]
    ids = " ".join(str(line + 1) for line in story.support)
    answer = ",".join(story.answer.split())
    return "".join(texts) + f"{len(texts) + 1} {story.question} \t{answer}\t{ids}\n"


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.casefold()))
