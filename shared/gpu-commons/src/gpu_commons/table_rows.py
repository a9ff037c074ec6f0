"""Rows of JSONL, CSV, TSV and Parquet files, each with the place to name when something in it is wrong.

Messages name file and line, never what the row says: texts may be private, or offensive by purpose.
"""

import csv
import difflib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gpu_commons.write_aside import write_text_aside

_DELIMITERS = {".csv": ",", ".tsv": "\t"}
SUFFIXES = (".jsonl", *_DELIMITERS, ".parquet")


@dataclass(frozen=True, slots=True)
class Row:
    """One row: where it stands, as ``FILE, line 7`` (1-based; ``row 7`` in Parquet), that number, and its values by
    column.
    """

    place: str
    number: int
    values: dict[str, Any]

    def field(self, column: str) -> Any:
        """Value of a column; ``a.b`` reads field b of the object in column a.

        Raises:
            ValueError: If the column is absent, with the columns there are and the nearest.
        """
        value: Any = self.values
        for part in [column] if column in self.values else column.split("."):
            if not isinstance(value, dict) or part not in value:
                raise ValueError(f"{self.place}: there is no column {column!r}; {self._columns(column)}.")
            value = value[part]
        return value

    def text(self, column: str) -> str:
        """Value of a column that must be a string with more than white space in it."""
        value = self.field(column)
        if not isinstance(value, str) or not value.strip():
            kind = "empty" if value is None or isinstance(value, str) else f"of type {type(value).__name__}"
            raise ValueError(
                f"{self.place}: the text in column {column!r} is {kind}; every row needs one, so fill or delete the row."
            )
        return value

    def _columns(self, wanted: str) -> str:
        # A file without header shows its first row here; names that do not look like names may be text and stay unsaid.
        names = [name for name in self.values if isinstance(name, str) and re.fullmatch(r"[\w.-]{1,40}", name)]
        nearest = difflib.get_close_matches(wanted, names, 1)
        there = f"there are {', '.join(names)}" if names else "the first line must hold the column names"
        return there + (f"; did you mean {nearest[0]!r}?" if nearest else "")


def write_rows(rows: Iterable[Mapping[str, Any]], path: str | os.PathLike[str]) -> Path:
    """Write rows as JSONL, aside, and rename the file; one row is held at a time.

    Raises:
        ValueError: If the file's name does not end in .jsonl.
    """
    target = Path(path).expanduser()
    if target.suffix != ".jsonl":
        raise ValueError(f"{target}: files of rows are written as .jsonl, not as {target.suffix!r}.")
    return write_text_aside((json.dumps(row, ensure_ascii=False) + "\n" for row in rows), target)


def read_rows(path: str | Path) -> Iterator[Row]:
    """Rows of a file whose suffix says its format; blank lines are passed over.

    CSV and TSV have a header and quote by ``"``, so that a row may span lines; its place is the line it starts in.
    Files are UTF-8.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the suffix is unknown, or a row cannot be read; the message names its line.
    """
    path = Path(path).expanduser()
    if path.suffix.lower() not in SUFFIXES:
        raise ValueError(f"{path}: files of rows end in {', '.join(SUFFIXES)}, not in {path.suffix!r}.")
    if not path.is_file():
        raise FileNotFoundError(f"no file at {path.absolute()}")
    if path.suffix.lower() == ".parquet":
        return _parquet_rows(path)
    if path.suffix.lower() == ".jsonl":
        return _jsonl_rows(path)
    return _delimited_rows(path, _DELIMITERS[path.suffix.lower()])


def read_lines(path: Path) -> Iterator[str]:
    """Lines of a UTF-8 file with their ends; a byte-order mark is dropped.

    Raises:
        ValueError: If a line is not UTF-8, with its number.
    """
    with path.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            try:
                yield line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise ValueError(
                    f"{path}, line {number}: byte {error.start + 1} is not UTF-8; save the file as UTF-8."
                ) from None


def _jsonl_rows(path: Path) -> Iterator[Row]:
    for number, line in enumerate(read_lines(path), 1):
        if not line.strip():
            continue
        place = f"{path}, line {number}"
        try:
            values = json.loads(line)
        except json.JSONDecodeError as error:
            raise ValueError(
                f"{place}: not JSON ({error.msg} at column {error.colno}); each line holds one JSON object."
            ) from None
        except (ValueError, RecursionError):  # Python's own limits
            raise ValueError(f"{place}: has a number too long or lists too deep to be read; mend the row.") from None
        if not isinstance(values, dict):
            raise ValueError(f"{place}: holds a JSON {type(values).__name__}; each line holds one JSON object.")
        yield Row(place, number, values)


def _delimited_rows(path: Path, delimiter: str) -> Iterator[Row]:
    reader = csv.reader(read_lines(path), delimiter=delimiter, strict=True)
    header: list[str] | None = None
    while True:
        start = reader.line_num + 1
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise ValueError(
                f"{path}, line {start}: {error}; look for an unbalanced quotation mark in the row."
            ) from None
        if header is None:
            header = fields
        elif fields:
            if len(fields) != len(header):
                raise ValueError(
                    f"{path}, line {start}: has {len(fields)} fields, but the header names {len(header)} columns."
                )
            yield Row(f"{path}, line {start}", start, dict(zip(header, fields, strict=True)))


def _parquet_rows(path: Path) -> Iterator[Row]:
    import pyarrow
    import pyarrow.parquet

    try:
        file = pyarrow.parquet.ParquetFile(path)
    except pyarrow.ArrowInvalid:
        raise ValueError(f"{path}: is not a Parquet file, or a part of one; fetch or write it again.") from None
    number = 0
    with file:
        batches = file.iter_batches()
        while True:
            try:
                rows = next(batches).to_pylist()
            except StopIteration:
                return
            except (OSError, ValueError) as error:
                raise ValueError(f"{path}: is damaged after row {number} ({error}); fetch or write it again.") from None
            for values in rows:
                number += 1
                yield Row(f"{path}, row {number}", number, values)
