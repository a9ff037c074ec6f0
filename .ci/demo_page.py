"""Write demo/index.html: what each package is for, what its demo found here, and the way to its report.

Made from what lies in demo/<package>, so that it is right after one demo, after several, and after none.
"""

import sys
from collections.abc import Mapping
from html import escape
from pathlib import Path

from members import ROOT, Member, product, with_demo

from gpu_commons.demo_result import DemoResult, read_demo_result
from gpu_commons.page import Section, assemble_page, table_fragment, write_html

TITLE = "adaptive-lm at work"


def demo_page(folder: Path, packages: list[Member], about: str) -> str:
    """The page, as it belongs into that folder.

    Args:
        folder: Holds a folder for each package whose demo has run.
        packages: To be shown, in this order.
        about: What the product is, a sentence.

    Raises:
        ValueError: If a result is not what a demo leaves.
    """
    results = {each.name: read_demo_result(folder / each.name) for each in packages}
    sections = [_section(each, results[each.name]) for each in packages]
    return assemble_page(TITLE, [Section("Start here", about, _start(results)), *sections])


def _start(results: Mapping[str, DemoResult | None]) -> str:
    """What to click first, a list of the demos, and how to install a package."""
    first = next((name for name, result in results.items() if result), None)
    click = f"Click {_link(first, f'the report of {first}')} first." if first else "No demo has run here yet."
    return "\n".join(
        [
            f"<p>Below is what the demo of each found on this machine. {click}</p>",
            f"<ul>{''.join(_item(name, result) for name, result in results.items())}</ul>",
            "<p>This runs all of them:</p>",
            _command("nox -s demo"),
            "<p>Install the package that you need, with what all share, from a clone of this repository:</p>",
            _command(f"pip install ./shared/gpu-commons ./packages/{first or next(iter(results))}"),
        ]
    )


def _item(name: str, result: DemoResult | None) -> str:
    return f"<li>{_link(name, name)}, {result.seconds:.0f} s</li>" if result else f"<li>{name}: not run yet</li>"


def _section(this: Member, result: DemoResult | None) -> Section:
    description = this.pyproject["project"]["description"]
    if result is None:
        command = _command(f'nox -s "demo({this.name})"')
        return Section(this.name, description, f"<p>Not run yet. To run it:</p>\n{command}")
    return Section(
        this.name,
        description,
        "\n".join(
            [
                f"<p>{_link(this.name, 'Open the report')}; the demo took {result.seconds:.0f} s.</p>",
                f"<p>{escape(result.title)}:</p>",  # not the table's caption, which a phone would cut off
                table_fragment(result.header, result.rows),
                f"<p>{escape(' '.join(result.notes))}</p>",
            ]
        ),
    )


def _link(package: str, text: str) -> str:
    return f'<a href="{package}/index.html">{escape(text)}</a>'


def _command(line: str) -> str:
    return f'<pre class="command">{escape(line, quote=False)}</pre>'


def main() -> int:
    folder = ROOT / "demo"
    page = write_html(demo_page(folder, with_demo(), product()), folder / "index.html")
    print(f"all demos: {page.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
