"""Every row of the page on papers names files that are there and names that these files have."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from members import ROOT, members

PAGE = ROOT / "docs" / "papers.md"
SOURCES = [each.source for each in members()]
BELOW = re.compile(r"Files are below `(packages/[^`]+)/`")
CODE = re.compile(r"`([^`]+)`")


class Row(NamedTuple):
    line: int
    files: list[str]
    names: list[str]
    folders: list[Path]


def rows(text: str) -> Iterator[Row]:
    """Rows of the tables, with the folders in which their section's files may lie."""
    folders: list[Path] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.startswith("## "):
            folders = []
        elif below := BELOW.search(line):
            folder = ROOT / below[1]
            folders = [folder, folder.parent, *(source.parent for source in SOURCES)]
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)][1:-1]
        if len(cells) == 3 and cells[1] not in ("file", "---", "–"):
            code = CODE.findall(cells[1])
            files = [part for part in code if part.endswith((".py", ".yaml", "/"))]
            yield Row(number, files, [part for part in code if part not in files], folders)


def missing(row: Row) -> list[str]:
    """Files that are not there, and names that none of the row's files has."""
    found = [path for name in row.files if (path := find(name, row.folders)) is not None]
    text = "\n".join(source.read_text(encoding="utf-8") for path in found for source in python_files(path))
    gone = [f"no file {name}" for name in row.files if find(name, row.folders) is None]
    words = {word for name in row.names for word in re.findall(r"\w+", name)}
    unknown = [f"no name {word}" for word in sorted(words) if not re.search(rf"\b{word}\b", text)]
    return [*gone, *unknown] if row.files else ["names no file"]


def find(name: str, folders: list[Path]) -> Path | None:
    return next((folder / name for folder in folders if (folder / name).exists()), None)


def python_files(path: Path) -> list[Path]:
    return sorted(path.rglob("*.py")) if path.is_dir() else [path]


PAPERS = (
    "SASA",
    "Larimar",
    "EpMAN",
    "MemReasoner",
    "SEAL",
    "MergeAlign",
    "Safety-capability trade-offs",
    "Literal and functional theory of mind",
    "S2F and S3F",
)
TEXT = PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("row", list(rows(TEXT)), ids=lambda row: f"line {row.line}")
def test_files_and_names_of_a_row_exist(row):
    assert missing(row) == []


@pytest.mark.parametrize("paper", PAPERS)
def test_every_paper_has_its_evidence_and_rows(paper):
    (section,) = re.findall(rf"^## {paper}\n(.*?)(?=^## |\Z)", TEXT, re.DOTALL | re.MULTILINE)
    assert "**Evidence.**" in section
    assert len(list(rows(section))) >= 4


@pytest.mark.parametrize(
    ("cell", "problem"),
    [
        ("`gone.py`: `gibbs`", "no file gone.py"),
        ("`rules.py`: `gibs`", "no name gibs"),
        ('`rules.py`: `transform_margins(rule="sofmax")`', "no name sofmax"),
        ("the same", "names no file"),
    ],
)
def test_a_wrong_row_is_found(cell, problem):
    source = "packages/controlled-decoding/src/controlled_decoding"
    (row,) = rows(f"## SASA\nFiles are below `{source}/`.\n| claim | {cell} | same |\n")
    assert problem in missing(row)
