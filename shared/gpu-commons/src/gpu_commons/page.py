"""Self-contained HTML pages put together from tables and other fragments.

Nothing is fetched, and the page's own content policy forbids it.
"""

import hashlib
import json
import os
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any, NamedTuple

from gpu_commons.write_aside import write_text_aside


class Section(NamedTuple):
    """A part of a page: heading and introduction as text, and a fragment of HTML."""

    heading: str
    intro: str
    fragment: str


def table_fragment(header: Sequence[str], rows: Sequence[Sequence[str]], *, caption: str = "") -> str:
    """A table of texts; the first cell of a row is its heading.

    Raises:
        ValueError: If a row is not as long as the header.
    """
    wrong = next((row for row in rows if len(row) != len(header)), None)
    if wrong is not None:
        raise ValueError(f"`rows` needs {len(header)} cells in each row, as `header`, got {len(wrong)}.")
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in header)
    body = "\n".join(_table_row(row) for row in rows)
    return (
        '<div class="scroll"><table class="plain">\n'
        + (f"<caption>{escape(caption)}</caption>\n" if caption else "")
        + f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table></div>"
    )


def picture_fragment(figure: Any, name: str, *, include_js: bool = False) -> str:
    """A plotly figure as an HTML ``<div>``.

    Args:
        figure: A plotly ``Figure``.
        name: What the ``<div>``'s id begins with.
        include_js: Whether plotly's script comes along; without it the page must have loaded it
            (``plotly.offline.get_plotlyjs()``).
    """
    # By content: the same figure gives the same page, and two pictures on a page stay apart.
    digest = hashlib.sha256(figure.to_json().encode()).hexdigest()[:12]
    # The button that would send the data to plotly's server has no place in an offline report.
    config = {"displaylogo": False, "responsive": True, "modeBarButtonsToRemove": ["sendChartToCloud"]}
    return str(figure.to_html(full_html=False, include_plotlyjs=include_js, div_id=f"{name}-{digest}", config=config))


def json_for_script(value: object) -> str:
    """JSON in which neither ``</script>`` nor ``<!--`` can occur, for a ``<script type="application/json">``.

    Raises:
        ValueError: If a number is not finite.
    """
    return json.dumps(value, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")


def assemble_page(title: str, sections: Sequence[Section]) -> str:
    """A whole HTML document of sections: (heading, introduction, fragment).

    Title, headings and introductions are text and are escaped; fragments are HTML and are not.
    """
    parts = [
        f"<section>\n<h2>{escape(heading)}</h2>\n<p>{escape(intro)}</p>\n{fragment}\n</section>"
        for heading, intro, fragment in sections
    ]
    page = Template(_resource("page.html"))
    return page.substitute(title=escape(title), style=_resource("page.css"), sections="\n".join(parts))


def write_html(page: str, path: str | os.PathLike[str]) -> Path:
    """Write a page aside and rename it, so that nothing half-written stays."""
    return write_text_aside(page, path)


def _table_row(row: Sequence[str]) -> str:
    cells = "".join(f"<td>{escape(cell)}</td>" for cell in row[1:])
    return f'<tr><th scope="row">{escape(row[0])}</th>{cells}</tr>'


def _resource(name: str) -> str:
    return files("gpu_commons").joinpath(name).read_text(encoding="utf-8")
