"""Reading questions: from a file, a folder, an archive, or a data set on the hub."""

import dataclasses
import difflib
import os
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from gpu_commons.table_rows import SUFFIXES, Row
from memory_llm.facts.records import read_records
from memory_llm.long_questions.hub import dataset_files
from memory_llm.long_questions.layouts import LAYOUTS, known_layouts, layout_of
from memory_llm.long_questions.origin import Origin
from memory_llm.long_questions.question import LongQuestion, level_order

FILES, ARCHIVE = (*SUFFIXES, ".json"), ".zip"


def read_questions(
    source: str | os.PathLike[str],
    *,
    tasks: Sequence[str] | None = None,
    levels: Sequence[str] | None = None,
    layout: str = "auto",
) -> list[LongQuestion]:
    """Read the questions of a benchmark.

    Args:
        source: A file (JSONL, a JSON list, CSV, TSV or Parquet), a folder of such files, a .zip of them, or the hub id
            of a data set (``Infinigence/LVEval``), of which only the files of ``tasks`` are downloaded if their names
            tell.
        tasks: Only these, as "factrecall_en".
        levels: Only these levels of length, as "16k".
        layout: A name in :data:`LAYOUTS`; "auto" goes by the columns of each file's first record.

    Raises:
        FileNotFoundError: If there is nothing at the path.
        ValueError: If a file's columns show no known layout, a record cannot be used, or no question is left; the
            message names file and record.
    """
    if layout not in ("auto", *LAYOUTS):
        nearest = difflib.get_close_matches(layout, LAYOUTS, 1)
        hint = f"; did you mean {nearest[0]!r}?" if nearest else "."
        raise ValueError(f"`layout` must be auto or one of {', '.join(LAYOUTS)}, got {layout!r}{hint}")
    texts: dict[str, str] = {}  # questions about one text share it, however often files repeat it
    found: dict[str, LongQuestion] = {}
    seen: set[tuple[str, str]] = set()
    for record, origin in _records(_files(source, tasks)):
        for question in _questions(record, origin, layout):
            seen.add((question.task, question.level))
            if (tasks and question.task not in tasks) or (levels and question.level not in levels):
                continue
            text = texts.setdefault(question.context, question.context)
            name = question.id if question.id not in found else f"{origin.name}-{question.id}-{len(found)}"
            found[name] = dataclasses.replace(question, context=text, id=name)
    if not found:
        raise ValueError(f"{source}: holds no question{_what_there_is(seen)}.")
    return list(found.values())


def _files(source: str | os.PathLike[str], tasks: Sequence[str] | None) -> list[tuple[Path, str]]:
    """Files, each with the name that tells its task: its path below the source."""
    path = Path(source).expanduser()
    if path.is_file():
        return [(path, "/".join(path.parts[-2:]))]
    if path.is_dir():
        below = sorted(each for each in path.rglob("*") if each.suffix.lower() in (*FILES, ARCHIVE))
        if not below:
            raise FileNotFoundError(f"no file of questions in {path.absolute()}; they end in {', '.join(FILES)}.")
        return [(each, str(Path(path.name) / each.relative_to(path))) for each in below]
    if len(Path(source).parts) == 2 and not str(source).startswith((".", "/", "~")):
        return dataset_files(str(source), (*FILES, ARCHIVE), tasks)
    raise FileNotFoundError(f"no file and no folder at {path.absolute()}")


def _records(files: Sequence[tuple[Path, str]]) -> Iterator[tuple[Row, Origin]]:
    for path, name in files:
        if path.suffix.lower() == ARCHIVE:
            yield from _archived(path)
        else:
            yield from ((record, Origin.of(name)) for record in read_records(path))


def _archived(archive: Path) -> Iterator[tuple[Row, Origin]]:
    try:
        opened = zipfile.ZipFile(archive)
    except zipfile.BadZipFile:
        raise ValueError(f"{archive}: is not a .zip archive, whatever its name says; download it anew.") from None
    with opened, tempfile.TemporaryDirectory() as folder:
        for name in opened.namelist():
            # A Macintosh puts the attributes of each file into a folder beside it.
            if Path(name).suffix.lower() not in FILES or name.startswith("__MACOSX"):
                continue
            path = Path(opened.extract(name, folder))
            for record in read_records(path):
                place = record.place.replace(str(path), f"{archive}, {name}")
                yield dataclasses.replace(record, place=place), Origin.of(name)
            path.unlink()


def _questions(record: Row, origin: Origin, layout: str) -> Iterator[LongQuestion]:
    shown = layout_of(record) if layout == "auto" else layout
    if shown is None:
        columns = ", ".join(sorted(map(str, record.values))[:12])
        raise ValueError(
            f"{record.place}: the columns {columns} show no known layout; known are {known_layouts()}. Rename the "
            "columns to those of rows."
        )
    return LAYOUTS[shown](record, origin)


def _what_there_is(seen: set[tuple[str, str]]) -> str:
    if not seen:
        return ""
    tasks = ", ".join(sorted({task for task, _ in seen}))
    levels = ", ".join(sorted({level for _, level in seen}, key=level_order))
    return f" of these tasks and lengths; it has the tasks {tasks} and the lengths {levels}"
