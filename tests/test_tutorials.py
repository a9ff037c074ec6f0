"""The tutorials run as they stand, and print what they show.

The Python blocks of a page share one namespace and an empty folder. A ``text`` block right after a Python block is what
that block prints. A page that installs a bundled model needs one.
"""

from pathlib import Path

import pytest
from markdown_blocks import blocks, run_block
from members import ROOT

FOLDER = ROOT / "docs" / "tutorials"
PAGES = sorted(path for path in FOLDER.glob("*.md") if path.stem != "index")


def run_page(page: Path) -> None:
    """Run the page's Python in order.

    Raises:
        AssertionError: If a block prints something else than is shown behind it.
    """
    namespace: dict[str, object] = {"__name__": "tutorial"}
    shown = [block for block in blocks(page) if block.language in ("python", "text")]
    for block, after in zip(shown, [*shown[1:], None], strict=True):
        if block.language == "python":
            printed = run_block(block, namespace)
            expected = after.text if after is not None and after.language == "text" else ""
            assert printed == expected, f"{page.name}, block at line {block.line} prints:\n{printed}"


def needs_a_model(page: Path) -> bool:
    return "pip install --no-deps" in page.read_text(encoding="utf-8")


def parameters() -> list:
    real = [pytest.mark.real_model, pytest.mark.slow]
    return [pytest.param(page, id=page.stem, marks=real if needs_a_model(page) else []) for page in PAGES]


@pytest.mark.parametrize("page", parameters())
def test_a_tutorial_runs_and_prints_what_it_shows(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run_page(page)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_tutorial_checks_itself_and_leads_on(page):
    code = "".join(block.text for block in blocks(page) if block.language == "python")
    assert "assert " in code
    assert "**Next:**" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("code", "shown"), [("print(1)", "2"), ("print(1)", ""), ("pass", "1"), ("assert False", ""), ("gone", "")]
)
def test_wrong_code_or_wrong_output_is_found(code, shown, tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"```python\n{code}\n```\n\n```text\n{shown}\n```\n")
    with pytest.raises((AssertionError, NameError)):
        run_page(page)


def test_blocks_share_a_namespace(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("```python\nx = 1\n```\n\n```python\nprint(x)\n```\n\n```text\n1\n```\n")
    run_page(page)
