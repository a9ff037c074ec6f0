"""What EpMAN learns from: a question over chunks of which some hold the answer."""

import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from gpu_commons.table_rows import Row, read_rows, write_rows


@dataclass(frozen=True, kw_only=True)
class Episode:
    """A question, its answer, and chunks.

    Attributes:
        question: What is asked.
        answer: What has to be said, without a blank before it.
        chunks: Texts, one of them or more with the answer.
        gold: Numbers (0-based) of these.
    """

    question: str
    answer: str
    chunks: tuple[str, ...]
    gold: tuple[int, ...]


def write_episodes(episodes: Iterable[Episode], path: str | os.PathLike[str]) -> Path:
    """Write episodes as JSONL, aside, and rename the file.

    Raises:
        ValueError: If the file's name does not end in .jsonl.
    """
    return write_rows((asdict(episode) for episode in episodes), path)


def read_episodes(path: str | os.PathLike[str]) -> list[Episode]:
    """Episodes of a file (JSONL or Parquet) with columns question, answer, chunks and gold.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a row is not an episode, or there are none; the message names its line.
    """
    episodes = [_episode(row) for row in read_rows(Path(path))]
    if not episodes:
        raise ValueError(f"{path} holds no episodes; make some with `memory-llm epman make-data`.")
    return episodes


def _episode(row: Row) -> Episode:
    chunks, gold = row.field("chunks"), row.field("gold")
    if (
        not isinstance(chunks, list)
        or not chunks
        or not all(isinstance(chunk, str) and chunk.strip() for chunk in chunks)
    ):
        raise ValueError(f"{row.place}: `chunks` must be a list of texts that are not empty.")
    numbers = range(len(chunks))
    if not isinstance(gold, list) or not gold or not all(isinstance(one, int) and one in numbers for one in gold):
        raise ValueError(f"{row.place}: `gold` must list numbers of chunks from 0 to {len(chunks) - 1}, got {gold!r}.")
    return Episode(question=row.text("question"), answer=row.text("answer"), chunks=tuple(chunks), gold=tuple(gold))
