"""What a command found when it looked at something, and what to do about it."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TypeVar

from gpu_commons.cli import NotReady, show
from gpu_commons.table_text import aligned

Read = TypeVar("Read")


@dataclass(frozen=True)
class Finding:
    """What was looked at.

    Attributes:
        what: Name.
        found: For people.
        advice: What to do about it; empty if nothing is wrong.
        blocking: Whether the package, or what was asked for by name, cannot be used before that is done.
    """

    what: str
    found: str
    advice: str = ""
    blocking: bool = False


def tried(
    what: str, read: Callable[[], Read], said: Callable[[Read], str], *, blocking: bool = False
) -> tuple[Read, Finding] | tuple[None, Finding]:
    """Read something, and say what it is or why it cannot be used.

    Args:
        what: Name of the finding.
        read: Gives what is read.
        said: What the finding says of it.
        blocking: Whether the finding blocks if it cannot be read.

    Returns:
        What was read, None if it could not be; and the finding.
    """
    try:
        found = read()
    except (ValueError, OSError, ImportError) as error:
        advice = " ".join(str(error).split())  # some libraries write paragraphs
        return None, Finding(what, "cannot be used", advice, blocking)
    return found, Finding(what, said(found))


def show_findings(findings: Sequence[Finding], *, as_json: bool) -> None:
    """Print findings on stdout, as a table or as JSON.

    Raises:
        NotReady: Afterwards, if some are blocking.
    """
    if as_json:
        show([asdict(finding) for finding in findings], as_json=True)
    else:
        rows = [[finding.what, finding.found, finding.advice] for finding in findings]
        show(aligned(("", "found", "advice"), rows), as_json=False)
    if blocking := [finding.what.strip() for finding in findings if finding.blocking]:
        raise NotReady(f"not ready because of {', '.join(blocking)}; the advice beside each says what to do.")
