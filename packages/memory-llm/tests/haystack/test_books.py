"""Books come as text from every kind of source, and what is no book is named."""

import gzip
import json
import sys
import types
import zlib

import pytest

from memory_llm.haystack.books import read_book, read_books


def test_a_text_file_keeps_its_words_and_loses_foreign_line_ends_and_the_byte_order_mark(tmp_path):
    path = tmp_path / "book.txt"
    path.write_bytes("\ufeffOne “line”\r\nand two.\r\n".encode())
    assert read_books(path) == {"book": "One “line”\nand two.\n"}


def test_the_frame_of_project_gutenberg_is_left_out(tmp_path):
    path = tmp_path / "book.txt"
    frame = "*** {} THE PROJECT GUTENBERG EBOOK 1 ***"
    path.write_text(f"Licence\n{frame.format('START OF')}\n\nThe book.\n\n{frame.format('END OF')}\nMore licence\n")
    assert read_book(path) == "The book.\n"


def test_rows_are_lines_of_one_book(tmp_path):
    path = tmp_path / "verses.jsonl"
    path.write_text("".join(json.dumps({"verse": n, "text": f"Verse {n}."}) + "\n" for n in (1, 2)))
    assert read_book(path) == "Verse 1.\nVerse 2."


def test_a_folder_is_its_text_files_by_name(tmp_path):
    for name in ("b", "a"):
        (tmp_path / f"{name}.txt").write_text(f"Book {name}.\n")
    (tmp_path / "notes.md").write_text("no book")
    assert list(read_books(tmp_path).items()) == [("a", "Book a.\n"), ("b", "Book b.\n")]
    assert read_book(tmp_path) == "Book a.\n\n\nBook b.\n"


class Lines(list):
    """A character vector as rdata gives it, as far as the reader looks."""

    dtype = types.SimpleNamespace(kind="U")


@pytest.fixture
def r_package(tmp_path, monkeypatch):
    """A lazy-load database whose serialisation is JSON, and a stand-in for rdata that reads that."""

    def convert(values):
        return Lines(values) if isinstance(values, list) else values

    stub = types.SimpleNamespace(
        parser=types.SimpleNamespace(parse_data=lambda data, extension: json.loads(data)),
        conversion=types.SimpleNamespace(convert=convert),
    )
    monkeypatch.setitem(sys.modules, "rdata", stub)
    slices, variables, offset = [], {}, 0
    for name, value in {"emma": ["EMMA", "", "By Jane"], "sizes": {"n": 3}, "persuasion": ["Persuasion"]}.items():
        content = json.dumps(value).encode()
        slices.append(len(content).to_bytes(4, "big") + zlib.compress(content))
        variables[name] = [offset, len(slices[-1])]
        offset += len(slices[-1])
    data = tmp_path / "usr/lib/R/site-library/janeaustenr/data"
    data.mkdir(parents=True)
    (data / "Rdata.rdx").write_bytes(gzip.compress(json.dumps({"variables": variables}).encode()))
    (data / "Rdata.rdb").write_bytes(b"".join(slices))
    return tmp_path


def test_an_unpacked_r_package_is_its_character_vectors(r_package):
    assert read_books(r_package) == {"emma": "EMMA\n\nBy Jane", "persuasion": "Persuasion"}


def test_a_damaged_database_is_named(r_package):
    database = next(r_package.rglob("Rdata.rdb"))
    database.write_bytes(database.read_bytes()[:-4])
    with pytest.raises(ValueError, match=r"Rdata.rdb: the entry 'persuasion' cannot be unpacked"):
        read_books(r_package)


def test_a_damaged_index_is_named(r_package):
    next(r_package.rglob("Rdata.rdx")).write_bytes(b"not gzip")
    with pytest.raises(ValueError, match=r"Rdata.rdx: is not the index of an R database"):
        read_books(r_package)


def test_a_missing_database_is_named(r_package):
    next(r_package.rglob("Rdata.rdb")).unlink()
    with pytest.raises(FileNotFoundError, match=r"no R database at /.*Rdata\.rdb"):
        read_books(r_package)


def test_without_rdata_the_error_is_the_pip_line(r_package, monkeypatch):
    monkeypatch.setitem(sys.modules, "rdata", None)
    with pytest.raises(ImportError, match="pip install rdata==1.1.0"):
        read_books(r_package)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("book.pdf", b"x", "books end in .txt, .jsonl, .csv, .tsv, .parquet, not in '.pdf'"),
        ("book.txt", b" \n", "the book 'book' holds no text"),
        ("book.txt", b"ok\n\xff\n", "book.txt, line 2: byte 1 is not UTF-8"),
        ("book.jsonl", b'{"verse": "x"}\n', "line 1: there is no column 'text'"),
    ],
)
def test_what_is_no_book_is_named(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_book(tmp_path / name)


def test_a_missing_path_and_an_empty_folder_are_named_in_full(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no book at /.*none\.txt"):
        read_book(tmp_path / "none.txt")
    with pytest.raises(FileNotFoundError, match=r"no books in /.*: a folder holds .txt files"):
        read_book(tmp_path)
