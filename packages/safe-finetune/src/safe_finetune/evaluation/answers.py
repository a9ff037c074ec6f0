"""Answers as ids and typed outcomes, and the file that a killed run goes on from.

Lines are written a batch at a time, and only whole batches are kept, so that a run that was killed ends with the same
bytes as one that was not.
"""

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from safe_finetune.evaluation.prompts import Kind
from safe_finetune.evaluation.refusal import Outcome

ANSWERS_FILE = "answers.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What became of one prompt.

    Attributes:
        id, kind, source: Of the prompt.
        outcome: Of the response, typed by rule.
        scores: Of each judge, in [0, 1].
        correct: Whether the response begins with the right answer; None if the prompt is no task.
        response: Its text, if the caller asked to keep texts.
    """

    id: str
    kind: Kind
    source: str
    outcome: Outcome
    scores: Mapping[str, float]
    correct: bool | None = None
    response: str | None = field(default=None, repr=False)

    def as_record(self) -> dict[str, Any]:
        """Fields that are set, as a line of JSON holds them."""
        return {name: value for name, value in asdict(self).items() if value is not None}


class AnswerFile:
    """``answers.jsonl`` in a folder; ``.partial`` until the last batch is in. Its first line says what it is for.

    Args:
        folder: Created if missing.
        plan: JSON-like description of all that determines the answers.

    Raises:
        ValueError: If the folder holds answers of another plan, with the settings that differ; or another file.
    """

    def __init__(self, folder: Path, plan: dict[str, Any]) -> None:
        self._finished, self._partial = folder / ANSWERS_FILE, folder / f"{ANSWERS_FILE}.partial"
        folder.mkdir(parents=True, exist_ok=True)
        there = self._finished if self._finished.exists() else self._partial
        lines = _whole_lines(there) if there.exists() else []
        if lines:
            _check_plan(folder, _plan(there, lines[0]), plan)
        else:
            self._partial.write_text(json.dumps({"plan": plan}) + "\n", encoding="ascii")

    def keep_whole_batches(self, batch_size: int) -> list[Answer]:
        """Answers that are in; what a kill left of an unfinished batch is cut off."""
        if self._finished.exists():
            return [_answer(line) for line in _whole_lines(self._finished)[1:]]
        lines = _whole_lines(self._partial)
        kept = lines[: 1 + (len(lines) - 1) // batch_size * batch_size]
        os.truncate(self._partial, sum(map(len, kept)))
        return [_answer(line) for line in kept[1:]]

    def append(self, answers: Iterable[Answer]) -> None:
        """Add a batch."""
        # JSON keeps to ASCII here, so that no line separator of Unicode can split a line.
        text = "".join(json.dumps(answer.as_record()) + "\n" for answer in answers)
        with self._partial.open("a", encoding="ascii", newline="\n") as stream:
            stream.write(text)

    def finish(self) -> None:
        """Say that all batches are in."""
        if self._partial.exists():
            os.replace(self._partial, self._finished)


def _whole_lines(path: Path) -> list[bytes]:
    return [line for line in path.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]


def _answer(line: bytes) -> Answer:
    return Answer(**json.loads(line))


def _plan(path: Path, line: bytes) -> dict[str, Any]:
    try:
        plan = json.loads(line)["plan"]
    except (ValueError, KeyError, TypeError):
        raise ValueError(f"{path}, line 1: does not say what the answers are for; take another folder.") from None
    return dict(plan)


def _check_plan(folder: Path, old: dict[str, Any], new: dict[str, Any]) -> None:
    differing = sorted(key for key in new.keys() | old.keys() if new.get(key) != old.get(key))
    if differing:
        raise ValueError(
            f"{folder} holds answers with other {', '.join(differing)}; take another folder, or delete that one."
        )
