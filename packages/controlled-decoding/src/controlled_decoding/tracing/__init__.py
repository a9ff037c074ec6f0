"""Traces: what steering did at every token, as JSONL and as a self-contained HTML page."""

from controlled_decoding.tracing.page import (
    Section,
    assemble_page,
    table_fragment,
    trace_fragment,
    write_html,
    write_page,
)
from controlled_decoding.tracing.trace import Trace

__all__ = ["Section", "Trace", "assemble_page", "table_fragment", "trace_fragment", "write_html", "write_page"]
