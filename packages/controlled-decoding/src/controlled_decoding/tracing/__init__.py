"""Traces: what steering did at every token, as JSONL and as a self-contained HTML page."""

from controlled_decoding.tracing.page import trace_fragment, write_page
from controlled_decoding.tracing.trace import Trace

__all__ = ["Trace", "trace_fragment", "write_page"]
