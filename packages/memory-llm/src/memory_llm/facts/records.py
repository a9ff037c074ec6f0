"""Records of a file of facts, each with its place: objects of a JSON list, or rows of JSONL, CSV, TSV and Parquet."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gpu_commons.table_rows import SUFFIXES, Row, read_lines, read_rows


def read_records(path: Path) -> Iterator[Row]:
    """Records in the file's order; those of a JSON list are placed as ``FILE, record 17`` (1-based).

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the suffix is unknown or the file cannot be read as it says.
    """
    if path.suffix.lower() != ".json":
        if path.suffix.lower() not in SUFFIXES:
            raise ValueError(
                f"{path}: files of records end in .json, {', '.join(SUFFIXES)}, not in {path.suffix!r}; "
                "rename it, or pass layout='lines' if it holds one fact a line."
            )
        return read_rows(path)
    if not path.is_file():
        raise FileNotFoundError(f"no file at {path.absolute()}")
    return _json_records(path)


def _json_records(path: Path) -> Iterator[Row]:
    content = "".join(read_lines(path))
    if not content.strip():
        return
    try:
        records = json.loads(content)
    except json.JSONDecodeError as error:
        raise ValueError(
            f"{path}, line {error.lineno}: not JSON ({error.msg} at column {error.colno}); "
            "the file holds one JSON list of objects, and JSON Lines are named .jsonl."
        ) from None
    if not isinstance(records, list):
        raise ValueError(f"{path}: holds a JSON {type(records).__name__}; it must be a list of objects.")
    for number, values in enumerate(records, 1):
        place = f"{path}, record {number}"
        if not isinstance(values, dict):
            raise ValueError(f"{place}: is a JSON {type(values).__name__}; every record must be an object.")
        yield Row(place, number, values)


def texts_of(record: Row, value: Any, field: str) -> tuple[str, ...]:
    """A value that may be absent, one string or a (nested) list of strings, as strings without white space around them.

    Raises:
        ValueError: If it is anything else, with the record's place.
    """
    if value is None:
        return ()
    if isinstance(value, str):
        return (value.strip(),) if value.strip() else ()
    if not isinstance(value, list):
        raise ValueError(
            f"{record.place}: {field!r} is of type {type(value).__name__}; it must be a string or a list of strings."
        )
    return tuple(text for item in value for text in texts_of(record, item, field))


def first_text(record: Row, value: Any, field: str) -> str | None:
    """The first of :func:`texts_of`, or None."""
    return next(iter(texts_of(record, value, field)), None)
