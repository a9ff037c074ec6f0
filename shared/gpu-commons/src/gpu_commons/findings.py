"""What a command found when it looked at something, and what to do about it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from gpu_commons.cli import show
from gpu_commons.table_text import aligned


@dataclass(frozen=True)
class Finding:
    """What was looked at.

    Attributes:
        what: Name.
        found: For people.
        advice: What to do about it; empty if nothing is wrong.
    """

    what: str
    found: str
    advice: str = ""


def show_findings(findings: Sequence[Finding], *, as_json: bool) -> None:
    """Print findings on stdout, as a table or as JSON."""
    if as_json:
        show([asdict(finding) for finding in findings], as_json=True)
        return
    rows = [[finding.what, finding.found, finding.advice] for finding in findings]
    show(aligned(("", "found", "advice"), rows), as_json=False)
