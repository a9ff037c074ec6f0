"""The answers of a run on disk, one line at a time, so that a killed run goes on where it was.

Answers and timings lie in two files: the first ends with the same bytes however often the run was killed, which no
measured time does.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

from gpu_commons.table_rows import Row, read_rows
from memory_llm.haystack.grid_result import Timing

_NO_TIMING = Timing(float("nan"), float("nan"))
A = TypeVar("A")


class AnswerLog(Generic[A]):
    """Answers in ``folder``: ``settings.json``, ``answers.jsonl``, ``timings.jsonl``; None keeps them in memory.

    Args:
        folder: Made if absent; what it holds is gone on with.
        settings: What decides the answers; JSON values.
        answer_type: A dataclass whose first field tells what is answered; all are JSON values.

    Raises:
        ValueError: If the folder holds answers under other settings, or a whole line that is not an answer.
    """

    def __init__(
        self, folder: str | os.PathLike[str] | None, settings: Mapping[str, Any], answer_type: type[A]
    ) -> None:
        self.answers: dict[str, A] = {}
        self._type = answer_type
        self._key = fields(cast(Any, answer_type))[0].name  # no public annotation says "a dataclass"
        self._timings: dict[str, Timing] = {}
        self._folder = None if folder is None else Path(folder).expanduser()
        if self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)
            _claim(self._folder / "settings.json", settings)
            self._read()

    def append(self, answer: A, timing: Timing) -> None:
        """Keep an answer; on disk before it returns."""
        key = getattr(answer, self._key)
        if self._folder is not None:
            # The timing first: an answer on disk then never lacks one.
            _append_line(self._folder / "timings.jsonl", {self._key: key, **asdict(timing)})
            _append_line(self._folder / "answers.jsonl", asdict(cast(Any, answer)))
        self.answers[key] = answer
        self._timings[key] = timing

    def timing(self, key: str) -> Timing:
        """Of an answer; NaN if the file of timings was lost."""
        return self._timings.get(key, _NO_TIMING)

    def _read(self) -> None:
        assert self._folder is not None
        for path in (self._folder / "answers.jsonl", self._folder / "timings.jsonl"):
            _drop_partial_line(path)
        for row in read_rows(self._folder / "timings.jsonl"):
            self._timings[row.text(self._key)] = Timing(float(row.field("ingest_s")), float(row.field("answer_s")))
        for row in read_rows(self._folder / "answers.jsonl"):
            answer = self._answer(row)
            self.answers[getattr(answer, self._key)] = answer

    def _answer(self, row: Row) -> A:
        try:
            return self._type(**row.values)
        except TypeError:
            raise ValueError(
                f"{row.place}: is not an answer of this version (its columns are {', '.join(map(repr, row.values))}); "
                "give another folder."
            ) from None


def _claim(path: Path, settings: Mapping[str, Any]) -> None:
    ours = json.loads(json.dumps(dict(settings)))
    if path.exists():
        theirs = json.loads(path.read_text(encoding="utf-8"))
        changed = [key for key in sorted({*ours, *theirs}) if ours.get(key) != theirs.get(key)]
        if changed:
            difference = ", ".join(f"{key}: {theirs.get(key)!r} there, {ours.get(key)!r} now" for key in changed)
            raise ValueError(f"{path.parent}: holds answers under other settings ({difference}); give another folder.")
        return
    aside = path.with_name(f"{path.name}.partial")
    aside.write_text(json.dumps(ours, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    os.replace(aside, path)


def _drop_partial_line(path: Path) -> None:
    """A killed run may leave half a line at the end; all before it is whole."""
    with path.open("a+b") as stream:
        stream.seek(0)
        content = stream.read()
        stream.truncate(content.rfind(b"\n") + 1)


def _append_line(path: Path, values: Mapping[str, Any]) -> None:
    with path.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(values, ensure_ascii=False) + "\n")
