"""Fenced blocks of Markdown pages, so that what a page shows can be run and checked."""

import contextlib
import io
import re
from dataclasses import dataclass
from pathlib import Path

from members import ROOT, members

_FENCE = re.compile(r"^```([^\n`]*)\n(.*?)^```[ \t]*$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """One fenced block.

    Attributes:
        page: Where it stands.
        line: Of its opening fence, from 1.
        language: The word after the fence, such as ``python``; empty without one.
        text: What is between the fences.
    """

    page: Path
    line: int
    language: str
    text: str


def pages() -> list[Path]:
    """The README files and the documentation."""
    return [ROOT / "README.md", *(each.path / "README.md" for each in members()), *sorted(ROOT.glob("docs/**/*.md"))]


def blocks(page: Path) -> list[Block]:
    """All blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(page, text.count("\n", 0, found.start()) + 1, found[1].strip(), found[2])
        for found in _FENCE.finditer(text)
    ]


def run_block(block: Block, namespace: dict[str, object]) -> str:
    """Run a block of Python, and return what it prints.

    Args:
        block: Of Python.
        namespace: Of the blocks before it; its own names are added.
    """
    # Blank lines in front, so that a traceback has the page's line.
    code = compile("\n" * block.line + block.text, str(block.page), "exec")
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(code, namespace)  # noqa: S102  the page's own code
    return printed.getvalue()
