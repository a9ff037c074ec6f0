"""Conversations of a file or a hub dataset, with ids that stay with them."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from gpu_commons import table_rows
from safe_finetune.rows.row import Message, Row, content_hash
from safe_finetune.rows.schemas import read_is_safe, read_weight, schema_of


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
    rows: list[Row] = []
    place_of: dict[str, str] = {}
    copies: Counter[str] = Counter()
    for record in _records(source, split):
        row = _row(record, copies)
        if row.id in place_of:
            raise ValueError(
                f"{row.place}: has the id of {place_of[row.id]}; ids must be unique, so change one or delete the column."
            )
        place_of[row.id] = row.place
        rows.append(row)
    if not rows:
        raise ValueError(f"{source if isinstance(source, str | os.PathLike) else 'the data'}: there are no rows.")
    return rows


def _records(source: Any, split: str) -> Iterator[table_rows.Row]:
    if not isinstance(source, str | os.PathLike):
        return _numbered(source, "the data")
    path = Path(source)
    is_hub_id = not path.suffix and not path.exists() and str(source).count("/") == 1 and str(source)[0] not in "./~"
    return _numbered(_hub_rows(str(source), split), str(source)) if is_hub_id else table_rows.read_rows(path)


def _numbered(records: Iterable[Mapping[str, Any]], name: str) -> Iterator[table_rows.Row]:
    for number, values in enumerate(records, 1):
        yield table_rows.Row(f"{name}, row {number}", number, dict(values))


def _hub_rows(name: str, split: str) -> Iterable[Mapping[str, Any]]:
    try:
        from datasets import load_dataset
    except ImportError:
        raise ImportError(f"reading {name} from the hub needs: pip install 'datasets>=5'") from None
    return load_dataset(name, split=split)


def _row(record: table_rows.Row, copies: Counter[str]) -> Row:
    messages, rejected = schema_of(record).read(record)
    for conversation in (messages, rejected):
        if conversation is not None:
            _check_response(conversation, record.place)
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


def _check_response(messages: tuple[Message, ...], place: str) -> None:
    if messages[-1].role != "assistant":
        raise ValueError(f"{place}: the last message must be the assistant's, whose response is what is learnt.")
    if not messages[-1].content.strip():
        raise ValueError(f"{place}: the response is empty; fill or delete the row.")
    if len(messages) == 1:
        raise ValueError(f"{place}: there is a response but no prompt.")
