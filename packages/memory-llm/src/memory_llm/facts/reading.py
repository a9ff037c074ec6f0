"""Reading facts from the layouts in which knowledge-editing data sets come, and from plain rows and lines."""

import difflib
from collections.abc import Iterator
from pathlib import Path

from gpu_commons.table_rows import read_lines
from memory_llm.facts.fact import Fact
from memory_llm.facts.layouts import LAYOUTS, layout_of, split_sentence
from memory_llm.facts.records import read_records


def read_facts(path: str | Path, *, layout: str = "auto") -> list[Fact]:
    """Read facts from a file.

    ``.txt`` holds one fact a line; its last word is the target, and a final full stop is dropped. All other files hold
    records, as a JSON list (``.json``) or as rows (``.jsonl``, ``.csv``, ``.tsv``, ``.parquet``), in one of the layouts
    of :mod:`memory_llm.facts.layouts`. A fact without an id gets the number of its record or line.

    Args:
        path: The file, in UTF-8.
        layout: "counterfact" (ROME), "zsre" (MEND, ROME), "easyedit", "rows" or "lines"; "auto" goes by suffix and by
            the fields of the first record.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is empty, a record or line cannot be used, or two have the same id; the message names
            the file and the record or line.
    """
    path = Path(path).expanduser()
    _check_layout(layout)
    by_line = layout == "lines" or (layout == "auto" and path.suffix.lower() == ".txt")
    placed = _line_facts(path) if by_line else _record_facts(path, layout)
    place_of_id: dict[str, str] = {}
    facts = []
    for place, fact in placed:
        if fact.id in place_of_id:
            raise ValueError(f"{place}: the id {fact.id!r} is taken by {place_of_id[fact.id]}; give each fact its own.")
        place_of_id[fact.id] = place
        facts.append(fact)
    if not facts:
        raise ValueError(f"{path}: holds no facts; write at least one.")
    return facts


def _check_layout(layout: str) -> None:
    names = ["auto", *LAYOUTS, "lines"]
    if layout not in names:
        nearest = difflib.get_close_matches(layout, names, 1)
        hint = f"; did you mean {nearest[0]!r}?" if nearest else "."
        raise ValueError(f"`layout` must be one of {', '.join(names)}, got {layout!r}{hint}")


def _record_facts(path: Path, layout: str) -> Iterator[tuple[str, Fact]]:
    for record in read_records(path):
        if layout == "auto":
            layout = layout_of(record)
        yield record.place, LAYOUTS[layout](record)


def _line_facts(path: Path) -> Iterator[tuple[str, Fact]]:
    if not path.is_file():
        raise FileNotFoundError(f"no file at {path.absolute()}")
    for number, line in enumerate(read_lines(path), 1):
        place = f"{path}, line {number}"
        if not line.strip():
            raise ValueError(f"{place}: is empty; every line holds a fact, so fill or delete it.")
        prompt, target = split_sentence(line, place)
        yield place, Fact(id=str(number), prompt=prompt, target=target)
