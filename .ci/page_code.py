"""``python .ci/page_code.py FOLDER``: the Python of each page as a module, for a type checker to read what pages show.

Lines keep their numbers.
"""

import shutil
import sys
from pathlib import Path

from markdown_blocks import blocks, pages
from members import ROOT

# A page may speak of "your_model", take for granted what is optional, and hand on what only a wider type is known of.
_CHECKED = '# mypy: allow-redefinition, disable-error-code="name-defined, union-attr, arg-type"'


def code_of(page: Path) -> str:
    """Its Python blocks, each at the lines where it stands; empty without any."""
    lines = [_CHECKED]
    for block in blocks(page):
        if block.language == "python":
            lines += [""] * (block.line - len(lines)) + block.text.splitlines()
    return "\n".join(lines) + "\n" if len(lines) > 1 else ""


def write_code(folder: Path) -> list[Path]:
    """Write a module a page, named after its path, into a folder that holds nothing else."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    written = []
    for page in pages():
        if code := code_of(page):
            name = "_".join(page.relative_to(ROOT).with_suffix("").parts).replace("-", "_").lower()
            written.append(folder / f"{name}.py")
            written[-1].write_text(code, encoding="utf-8")
    return written


if __name__ == "__main__":
    print("\n".join(map(str, write_code(Path(sys.argv[1])))))
