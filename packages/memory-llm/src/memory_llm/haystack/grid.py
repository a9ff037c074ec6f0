"""A reader asked over a grid of haystacks: recall, bytes moved and seconds by length and depth."""

import hashlib
import json
import os
import time
from collections.abc import Iterable, Mapping
from typing import Any, Protocol, runtime_checkable

from tqdm import tqdm

from memory_llm.haystack.answer_log import AnswerLog
from memory_llm.haystack.grid_result import Answer, GridResult, Timing
from memory_llm.haystack.insertion import Haystack
from memory_llm.haystack.scoring import is_correct


@runtime_checkable
class LongReader(Protocol):
    """Whatever takes in a long text and then answers about it."""

    name: str
    """Tells one reader from another in tables, pictures and resumed runs."""

    def ingest(self, text: str) -> None:
        """Take in a text, in place of the one before."""

    def ask(self, needle_question: str, cue: str, *, max_new_tokens: int) -> str:
        """Answer about the text; the answer does not repeat the cue, which is the beginning of its sentence."""

    @property
    def bytes_moved(self) -> int:
        """Bytes handed to the decoder's device for the last answer."""


def run_grid(
    reader: LongReader,
    haystacks: Iterable[Haystack],
    *,
    max_new_tokens: int = 16,
    out: str | os.PathLike[str] | None = None,
    settings: Mapping[str, Any] | None = None,
    progress: bool = True,
) -> GridResult:
    """Let a reader take in every haystack and ask it for the needle.

    A haystack answered in ``out`` before is not asked again; answers about haystacks that are not given now stay in
    the file and out of the result.

    Args:
        reader: Who is asked.
        haystacks: Lazily made ones are held one at a time.
        max_new_tokens: Longest answer.
        out: Folder of the answers, for a run that may be killed; nothing is written if None.
        settings: What else must be the same for an answer to be taken over, as the model's fingerprint; JSON values.
        progress: Whether to show progress on stderr.

    Raises:
        ValueError: If ``max_new_tokens`` is below 1, or ``out`` holds answers under other settings.
    """
    if max_new_tokens < 1:
        raise ValueError(f"`max_new_tokens` must be at least 1, got {max_new_tokens}.")
    log = AnswerLog(out, {"reader": reader.name, "max_new_tokens": max_new_tokens, **(settings or {})}, Answer)
    order: list[str] = []
    total = len(haystacks) if isinstance(haystacks, list | tuple) else None
    for haystack in tqdm(haystacks, desc=reader.name, total=total, unit="haystack", disable=not progress):
        key = _key(haystack)
        if key not in log.answers:
            log.append(*_ask(reader, haystack, key, max_new_tokens))
        order.append(key)
    return GridResult(reader.name, [log.answers[key] for key in order], [log.timing(key) for key in order])


def _ask(reader: LongReader, haystack: Haystack, key: str, max_new_tokens: int) -> tuple[Answer, Timing]:
    needle = haystack.needle
    start = time.perf_counter()
    reader.ingest(haystack.text)
    ingested = time.perf_counter()
    text = reader.ask(needle.question, needle.cue, max_new_tokens=max_new_tokens)
    answered = time.perf_counter()
    answer = Answer(
        haystack=key,
        num_tokens=haystack.num_tokens,
        depth=haystack.depth,
        seed=haystack.seed,
        expected=needle.answer,
        answer=text,
        correct=is_correct(text, needle.answer),
        bytes_moved=int(reader.bytes_moved),
    )
    return answer, Timing(ingested - start, answered - ingested)


def _key(haystack: Haystack) -> str:
    needle = haystack.needle
    content = [haystack.text, needle.question, needle.cue, needle.answer, haystack.num_tokens, haystack.depth]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]
