"""Haystacks as JSONL, one a line, so that every reader is asked the same."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, fields
from pathlib import Path

from gpu_commons.table_rows import Row, read_rows, write_rows
from memory_llm.haystack.insertion import Haystack
from memory_llm.haystack.needles import Needle


def write_haystacks(haystacks: Iterable[Haystack], path: str | os.PathLike[str]) -> Path:
    """Write haystacks aside and rename the file, one haystack in memory at a time.

    Raises:
        ValueError: If the file's name does not end in .jsonl.
    """
    return write_rows((asdict(haystack) for haystack in haystacks), path)


def read_haystacks(path: str | os.PathLike[str]) -> Iterator[Haystack]:
    """Haystacks of a file that :func:`write_haystacks` wrote, one at a time.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a row is not a haystack; the message names its line.
    """
    return (haystack_of(row) for row in read_rows(Path(path)))


def haystack_of(row: Row) -> Haystack:
    """The haystack of a row; errors as in :func:`read_haystacks`."""
    needle = Needle(**{field.name: row.text(f"needle.{field.name}") for field in fields(Needle)})
    depth, text = row.field("depth"), row.text("text")
    if isinstance(depth, bool) or not isinstance(depth, int | float) or not 0 <= depth <= 1:
        raise ValueError(f"{row.place}: `depth` must be a number from 0 to 1, got {depth!r}.")
    whole = {name: _whole(row, name) for name in ("num_tokens", "counted_tokens", "needle_char", "seed")}
    if not text.startswith(needle.sentence, whole["needle_char"]):
        raise ValueError(f"{row.place}: the needle is not at `needle_char` {whole['needle_char']}; make the file anew.")
    return Haystack(text=text, needle=needle, depth=float(depth), **whole)


def _whole(row: Row, name: str) -> int:
    value = row.field(name)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{row.place}: `{name}` must be a whole number and not negative, got {value!r}.")
    return value
