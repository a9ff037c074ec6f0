"""Traces token by token as self-contained HTML.

Texts enter the page as JSON with every ``<`` escaped and are shown as text, so that no token can break out.
"""

import os
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from controlled_decoding.tracing.trace import Trace
from gpu_commons.page import Section, assemble_page, json_for_script, write_html


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
    data = json_for_script({"traces": [trace.to_dict() for trace in traces]})
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


def _resource(name: str) -> str:
    return files("controlled_decoding.tracing").joinpath(name).read_text(encoding="utf-8")
