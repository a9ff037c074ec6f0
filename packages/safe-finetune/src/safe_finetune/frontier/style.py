"""How the pictures look: one colour and one marker a method."""

from typing import NamedTuple


class Style(NamedTuple):
    """Of one method: colour, and the marker's name in plotly and in matplotlib."""

    colour: str
    plotly_marker: str
    matplotlib_marker: str


# Okabe and Ito's palette: told apart by colour-blind readers and in grey print; the markers tell the same once more.
_STYLES = (
    Style("#0072B2", "circle", "o"),
    Style("#D55E00", "square", "s"),
    Style("#009E73", "diamond", "D"),
    Style("#CC79A7", "triangle-up", "^"),
    Style("#E69F00", "triangle-down", "v"),
    Style("#56B4E9", "hexagon", "h"),
    Style("#7A5C00", "pentagon", "p"),
)


def style_of(number: int) -> Style:
    """Of the method with this place in the legend (0-based)."""
    return _STYLES[number % len(_STYLES)]
