"""A reader asked all questions of a benchmark: each text is taken in once, and a killed run goes on where it was."""

import hashlib
import json
import os
import time
from collections.abc import Mapping, Sequence
from typing import Any

from tqdm import tqdm

from memory_llm.haystack.answer_log import AnswerLog
from memory_llm.haystack.grid import LongReader
from memory_llm.haystack.grid_result import Timing
from memory_llm.long_questions.question import LongQuestion
from memory_llm.long_questions.result import BenchResult, LongAnswer
from memory_llm.long_questions.tasks import task_of


def run_questions(
    reader: LongReader,
    questions: Sequence[LongQuestion],
    *,
    max_new_tokens: int | None = None,
    out: str | os.PathLike[str] | None = None,
    settings: Mapping[str, Any] | None = None,
    progress: bool = True,
) -> BenchResult:
    """Let a reader take in every text and ask it all questions about it.

    A question answered in ``out`` before is not asked again, and a text whose questions all are is not taken in;
    answers to questions that are not given now stay in the file and out of the result. The log holds what was said;
    scores are worked out anew from it.

    Args:
        reader: Who is asked.
        questions: As :func:`read_questions` gives them; about the same text if their ``context`` is equal.
        max_new_tokens: Longest answer; that of each task if None.
        out: Folder of the answers, for a run that may be killed; nothing is written if None.
        settings: What else must be the same for an answer to be taken over, as the model's fingerprint; JSON values.
        progress: Whether to show progress on stderr.

    Raises:
        ValueError: If there are no questions, ``max_new_tokens`` is below 1, or ``out`` holds answers under other
            settings.
    """
    if not questions:
        raise ValueError("`questions` is empty; give at least one.")
    if max_new_tokens is not None and max_new_tokens < 1:
        raise ValueError(f"`max_new_tokens` must be at least 1, got {max_new_tokens}.")
    log = AnswerLog(out, {"reader": reader.name, **(settings or {})}, LongAnswer)
    room = [max_new_tokens or task_of(question.task).max_new_tokens for question in questions]
    keys = [_key(question, tokens) for question, tokens in zip(questions, room, strict=True)]
    about: dict[str, list[int]] = {}
    for row, question in enumerate(questions):
        about.setdefault(question.context, []).append(row)
    with tqdm(desc=reader.name, total=len(questions), unit="question", disable=not progress) as bar:
        for text, rows in about.items():
            todo = {keys[row]: row for row in rows if keys[row] not in log.answers}
            ingest_s = _ingest(reader, text) if todo else 0.0
            for key, row in todo.items():
                log.append(*_ask(reader, questions[row], key, room[row], ingest_s / len(todo)))
            bar.update(len(rows))
    return BenchResult(reader.name, questions, [log.answers[key] for key in keys], [log.timing(key) for key in keys])


def _ingest(reader: LongReader, text: str) -> float:
    start = time.perf_counter()
    reader.ingest(text)
    return time.perf_counter() - start


def _ask(
    reader: LongReader, question: LongQuestion, key: str, max_new_tokens: int, ingest_s: float
) -> tuple[LongAnswer, Timing]:
    start = time.perf_counter()
    text = reader.ask(question.question, question.cue, max_new_tokens=max_new_tokens)
    answer_s = time.perf_counter() - start
    answer = LongAnswer(
        question=key, task=question.task, level=question.level, answer=text, bytes_moved=int(reader.bytes_moved)
    )
    return answer, Timing(ingest_s, answer_s)


def _key(question: LongQuestion, max_new_tokens: int) -> str:
    content = [question.context, question.question, question.cue, max_new_tokens]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]
