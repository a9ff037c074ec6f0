"""Conversations of a file or a hub dataset, with ids that stay with them."""

import dataclasses
import logging
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from gpu_commons import table_rows
from safe_finetune.rows.row import Row, check_ids, content_hash
from safe_finetune.rows.schemas import message_list_of, read_is_safe, read_weight, schema_of

logger = logging.getLogger(__name__)
_TEXT_OR_MESSAGES = ("prompt", "completion", "response", "chosen", "rejected")


def load_rows(source: str | os.PathLike[str] | Iterable[Mapping[str, Any]], *, split: str = "train") -> list[Row]:
    """Read conversations; the layout is told by the columns.

    Known layouts, the first that fits is taken: ``chosen, rejected`` with or without ``prompt`` (without, strings of
    Human and Assistant turns); ``messages``; ``conversations`` of ``from, value``; ``prompt`` with ``completion`` or
    ``response``; ``instruction, output`` with or without ``input``; ``question, response`` with or without
    ``system_prompt``. The further columns ``id``, ``is_safe`` and ``weight`` are read where they are.

    Rows without ``id`` are known by a hash of what they say, so that their ids survive any filter or shuffle; copies of
    one row get ``-2``, ``-3`` ... behind it.

    Args:
        source: A .jsonl, .csv, .tsv or .parquet file, a hub dataset's id, or rows (such as a ``datasets.Dataset``).
        split: Of a hub dataset.

    Raises:
        FileNotFoundError: If there is no such file.
        ImportError: If a hub dataset is asked for and ``datasets`` is not installed.
        ValueError: If a row cannot be read, has no response, or an id comes twice; the message names its place.
    """
    copies: Counter[str] = Counter()
    rows = [_row(record, copies) for record in _records(source, split)]
    if not rows:
        raise ValueError(f"{_name(source)}: there are no rows; give at least one.")
    check_ids(rows)
    return rows


def load_safe_rows(source: str | os.PathLike[str] | Iterable[Mapping[str, Any]], *, split: str = "train") -> list[Row]:
    """Read conversations as :func:`load_rows` does, for a set that is to be trusted: those whose response is labelled
    unsafe (``is_safe``) are left out.

    Raises:
        ValueError: As there, and if no row is left.
    """
    rows = load_rows(source, split=split)
    kept = [row for row in rows if row.is_safe is not False]
    if not kept:
        raise ValueError(f"{_name(source)}: all {len(rows)} rows are labelled unsafe; give some that are safe.")
    if len(kept) < len(rows):
        logger.warning(
            "%s: %d of %d rows are labelled unsafe and left out", _name(source), len(rows) - len(kept), len(rows)
        )
    return kept


def _name(source: Any) -> str:
    return str(source) if isinstance(source, str | os.PathLike) else "the data"


def _records(source: Any, split: str) -> Iterator[table_rows.Row]:
    if not isinstance(source, str | os.PathLike):
        return _numbered(source, _name(source))
    path = Path(source)
    is_hub_id = not path.suffix and not path.exists() and str(source).count("/") == 1 and str(source)[0] not in "./~"
    if is_hub_id:
        return _numbered(_hub_rows(str(source), split), str(source))
    rows = table_rows.read_rows(path)
    return map(_with_message_lists, rows) if path.suffix.lower() in (".csv", ".tsv") else rows


def _numbered(records: Iterable[Mapping[str, Any]], name: str) -> Iterator[table_rows.Row]:
    for number, values in enumerate(records, 1):
        yield table_rows.Row(f"{name}, row {number}", number, dict(values))


def _with_message_lists(record: table_rows.Row) -> table_rows.Row:
    """Cells hold no lists, and so these columns hold either plain text or messages as JSON."""
    lists = {column: message_list_of(record.values.get(column)) for column in _TEXT_OR_MESSAGES}
    return dataclasses.replace(record, values=record.values | {name: each for name, each in lists.items() if each})


def _hub_rows(name: str, split: str) -> Iterable[Mapping[str, Any]]:
    try:
        from datasets import load_dataset
    except ImportError:
        raise ImportError(f"reading {name} from the hub needs: pip install 'datasets>=5'") from None
    return load_dataset(name, split=split)


def _row(record: table_rows.Row, copies: Counter[str]) -> Row:
    messages, rejected = schema_of(record).read(record)
    given = record.values.get("id")
    if given is None or given == "":
        identity = content_hash(messages, rejected)
        copies[identity] += 1
        if copies[identity] > 1:
            identity = f"{identity}-{copies[identity]}"
    else:
        identity = str(given)
    return Row(
        id=identity,
        messages=messages,
        place=record.place,
        is_safe=read_is_safe(record),
        rejected=rejected,
        weight=read_weight(record),
    )
