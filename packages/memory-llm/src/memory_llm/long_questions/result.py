"""What a reader answered to the questions of a benchmark, and its scores by task and length."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from memory_llm.facts.interval import Interval
from memory_llm.haystack.grid_result import Timing
from memory_llm.long_questions.interval import text_interval
from memory_llm.long_questions.metrics import METRICS
from memory_llm.long_questions.question import LongQuestion, level_order
from memory_llm.long_questions.tasks import task_of

ALL = "all"


@dataclass(frozen=True, kw_only=True, slots=True)
class LongAnswer:
    """A reader's answer to one question, before it is judged."""

    question: str
    """Sixteen hex digits of the text, the question, its cue and the room for the answer."""
    task: str
    level: str
    answer: str
    bytes_moved: int
    """Bytes handed to the decoder's device for this answer."""


@dataclass(frozen=True, kw_only=True)
class Score:
    """One task, level and metric.

    Attributes:
        task: Its name.
        level: Of length; "all" for the mean over all questions of the task.
        metric: Name in :data:`METRICS`.
        mean: From 0 to 1, with its 95 % bootstrap interval over texts.
        bytes_moved: Mean of an answer.
        ingest_s: Seconds of taking texts in, shared out over the questions; NaN if lost.
        answer_s: Mean seconds of an answer; NaN if lost.
    """

    task: str
    level: str
    metric: str
    mean: Interval
    bytes_moved: float
    ingest_s: float
    answer_s: float

    def to_row(self) -> dict[str, Any]:
        """For tables and JSON; None where there is no interval or no time."""
        values = {
            "value": self.mean.value,
            "low": self.mean.low,
            "high": self.mean.high,
            "bytes_moved": self.bytes_moved,
            "ingest_s": self.ingest_s,
            "answer_s": self.answer_s,
        }
        kept = {name: None if value != value else round(value, 4) for name, value in values.items()}
        head = {"task": self.task, "length": self.level, "metric": self.metric}
        return {**head, "num_questions": self.mean.num_facts, **kept}


@dataclass(frozen=True)
class BenchResult:
    """Answers of one reader, in the order of the questions, each with its timing."""

    reader: str
    questions: Sequence[LongQuestion]
    answers: Sequence[LongAnswer]
    timings: Sequence[Timing]

    def score(self, row: int, metric: str) -> float:
        """Of one answer, from 0 to 1."""
        return judged(self.answers[row].answer, self.questions[row], metric)

    @property
    def scores(self) -> list[Score]:
        """By task and metric, all lengths first and then each."""
        members: dict[tuple[str, str], list[int]] = {}
        for row, question in enumerate(self.questions):
            for level in (ALL, question.level):
                members.setdefault((question.task, level), []).append(row)
        ordered = sorted(members, key=lambda key: (key[0], key[1] != ALL, level_order(key[1])))
        return [
            self._score(task, level, metric, members[task, level])
            for task, level in ordered
            for metric in task_of(task).metrics
        ]

    def to_markdown(self) -> str:
        """A row for each task and metric, a column for each length, as "value [low, high]"."""
        levels = [ALL, *sorted({question.level for question in self.questions}, key=level_order)]
        cells = {(score.task, score.metric, score.level): _cell(score.mean) for score in self.scores}
        lines = [["task", "metric", *levels], ["---"] * (2 + len(levels))]
        for task, metric in dict.fromkeys((task, metric) for task, metric, _ in cells):
            lines.append([task, metric, *(cells.get((task, metric, level), "–") for level in levels)])
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)

    def _score(self, task: str, level: str, metric: str, rows: Sequence[int]) -> Score:
        values = [self.score(row, metric) for row in rows]
        return Score(
            task=task,
            level=level,
            metric=metric,
            mean=text_interval(values, [self.questions[row].context for row in rows]),
            bytes_moved=sum(self.answers[row].bytes_moved for row in rows) / len(rows),
            ingest_s=sum(self.timings[row].ingest_s for row in rows) / len(rows),
            answer_s=sum(self.timings[row].answer_s for row in rows) / len(rows),
        )


def judged(answer: str, question: LongQuestion, metric: str) -> float:
    """How right an answer is, from 0 to 1: its first line, or all of it where the task wants more than a line."""
    said = answer if task_of(question.task).whole else answer.strip().split("\n")[0]
    return METRICS[metric](said, question)


def _cell(interval: Interval) -> str:
    if interval.low != interval.low:
        return f"{interval.value:.3f}"
    return f"{interval.value:.3f} [{interval.low:.3f}, {interval.high:.3f}]"
