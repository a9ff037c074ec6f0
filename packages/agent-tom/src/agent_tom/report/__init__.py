"""A study as one page that needs no network."""

from agent_tom.report.page import write_report

__all__ = ["write_report"]
