"""Tables and intervals as text."""

from collections.abc import Sequence


def aligned(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lines whose columns are as wide as they need.

    Args:
        head: Names of the columns.
        rows: Texts, as many as columns.
    """
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in (head, *rows)
    )


def interval_text(found: Sequence[float] | None, digits: int = 2) -> str:
    """A triple of mean, low and high; a dash if there is none."""
    if found is None:
        return "–"
    value, low, high = (f"{part:.{digits}f}" for part in found)
    return f"{value} [{low}, {high}]"
