"""Self-contained HTML: traces token by token, plain tables, and pages put together from such fragments.

Nothing is fetched, and the page's own content policy forbids it. Texts enter the page as JSON with every ``<`` escaped
and are shown as text, so that no token can break out.
"""

import json
import os
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import NamedTuple

from controlled_decoding.tracing.trace import Trace


class Section(NamedTuple):
    """A part of a page: heading and introduction as text, and a fragment of HTML."""

    heading: str
    intro: str
    fragment: str


def write_page(
    traces: Sequence[Trace], path: str | os.PathLike[str], *, title: str = "A generation, token by token"
) -> Path:
    """Write one HTML file that shows traces; an older file is replaced when the new one is whole.

    The address may select a token: ``#token=3`` is step 3 (from 0) of the first trace, ``#trace=1&token=3`` of the
    second.

    Args:
        traces: One, or several of one prompt (plain beside steered, say), shown below each other.
        path: Where to.
        title: Of the page, as text.

    Raises:
        ValueError: If there is no trace, or they have different attributes.
    """
    heading = "Trace" if len(traces) == 1 else "Traces"
    intro = "Each token is coloured by the log-odds of the text that ends in it: blue is the desired side, orange the other."
    return write_html(assemble_page(title, [Section(heading, intro, trace_fragment(traces))]), path)


def trace_fragment(traces: Sequence[Trace]) -> str:
    """A ``<div>`` with its own data, style and script that shows traces; see :func:`write_page`.

    Raises:
        ValueError: If there is no trace, or they have different attributes.
    """
    if not traces:
        raise ValueError("`traces` is empty; record at least one with `Trace.record`.")
    names = [[attribute.name for attribute in trace.attributes] for trace in traces]
    if any(own != names[0] for own in names):
        raise ValueError(f"`traces` have different attributes, {names}; show them on pages of their own.")
    data = _json_for_script({"traces": [trace.to_dict() for trace in traces]})
    return "\n".join(
        [
            '<div class="trace-view">',
            f"<style>\n{_resource('trace_view.css')}</style>",
            f'<script type="application/json">{data}</script>',
            f"<script>\n{_resource('trace_view.js')}</script>",
            "<noscript>This view is drawn by a script; the same data are in the trace's JSONL file.</noscript>",
            "</div>",
        ]
    )


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


def assemble_page(title: str, sections: Sequence[tuple[str, str, str]]) -> str:
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
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(f"{target.name}.partial")
    aside.write_text(page, encoding="utf-8")
    os.replace(aside, target)
    return target


def _table_row(row: Sequence[str]) -> str:
    cells = "".join(f"<td>{escape(cell)}</td>" for cell in row[1:])
    return f'<tr><th scope="row">{escape(row[0])}</th>{cells}</tr>'


def _json_for_script(value: object) -> str:
    """JSON in which neither ``</script>`` nor ``<!--`` can occur."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")


def _resource(name: str) -> str:
    return files("controlled_decoding.tracing").joinpath(name).read_text(encoding="utf-8")
