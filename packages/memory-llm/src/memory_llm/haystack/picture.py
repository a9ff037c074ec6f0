"""Heat map of recall over depth and length, one panel for each reader."""

from collections.abc import Sequence
from typing import Any

from gpu_commons.page import picture_fragment
from memory_llm.haystack.grid_result import Cell, GridResult

# One hue, dark for right: told apart by colour-blind readers and in grey print; the number stands in the cell too.
_COLOURS = [[0.0, "#f4f4f1"], [0.5, "#6aa5c8"], [1.0, "#08427a"]]
_PANEL_HEIGHT = 300


def grid_fragment(results: Sequence[GridResult], *, include_js: bool = False) -> str:
    """The picture as an HTML ``<div>``: text length across, depth of the needle downwards, recall in each cell.

    Cells without haystacks stay empty; the interval and the costs show when the mouse is over a cell.

    Args:
        results: One a reader; all panels show the lengths and depths of any of them.
        include_js: Whether plotly's script comes along; without it the page must have loaded it
            (``plotly.offline.get_plotlyjs()``).

    Raises:
        ValueError: If there are no results, or none with an answer.
    """
    return picture_fragment(grid_figure(results), "grid", include_js=include_js)


def grid_figure(results: Sequence[GridResult]) -> Any:
    """The picture as a plotly ``Figure``; see :func:`grid_fragment`."""
    from plotly.subplots import make_subplots

    cells = [cell for result in results for cell in result.cells]
    if not cells:
        raise ValueError(f"a picture needs results with answers, got {len(results)} without; run the grid first.")
    lengths = sorted({cell.num_tokens for cell in cells})
    depths = sorted({cell.depth for cell in cells})
    figure = make_subplots(
        rows=len(results),
        cols=1,
        shared_xaxes=True,
        vertical_spacing=min(0.12, 0.3 / len(results)),
        subplot_titles=[f"{result.reader}: {result.recall.value:.0%} recalled" for result in results],
    )
    for row, result in enumerate(results, 1):
        figure.add_trace(_panel(result, lengths, depths), row=row, col=1)
        figure.update_yaxes(title_text="depth of the needle", autorange="reversed", type="category", row=row, col=1)
        figure.update_xaxes(type="category", row=row, col=1)
    figure.update_xaxes(title_text="length of the text in tokens", row=len(results), col=1)
    figure.update_layout(
        template="plotly_white",
        height=110 + _PANEL_HEIGHT * len(results),
        margin={"l": 90, "r": 20, "t": 50, "b": 60},
        coloraxis={"colorscale": _COLOURS, "cmin": 0, "cmax": 1, "colorbar": {"title": "recall", "tickformat": ".0%"}},
        font={"size": 13},
    )
    return figure


def short_length(num_tokens: int) -> str:
    """A length as an axis shows it: 512, 4K, 1.5K, 1M; thousands are 1,000 tokens."""
    for size, unit in ((1_000_000, "M"), (1_000, "K")):
        if num_tokens >= size:
            return f"{num_tokens / size:.3g}{unit}"
    return str(num_tokens)


def _panel(result: GridResult, lengths: Sequence[int], depths: Sequence[float]) -> Any:
    from plotly.graph_objects import Heatmap

    cells = {(cell.depth, cell.num_tokens): cell for cell in result.cells}
    rows = [[cells.get((depth, length)) for length in lengths] for depth in depths]
    return Heatmap(
        x=[short_length(length) for length in lengths],
        y=[f"{depth:.3g}" for depth in depths],
        z=[[None if cell is None else cell.recall.value for cell in row] for row in rows],
        text=[["" if cell is None else f"{cell.recall.value:.0%}" for cell in row] for row in rows],
        hovertext=[["" if cell is None else _details(cell) for cell in row] for row in rows],
        texttemplate="%{text}",
        hovertemplate="%{hovertext}<extra></extra>",
        hoverongaps=False,
        xgap=2,
        ygap=2,
        coloraxis="coloraxis",
        name=result.reader,
    )


def _details(cell: Cell) -> str:
    return (
        f"{cell.num_tokens:,} tokens, depth {cell.depth:.3g}<br>recall {cell.recall.value:.1%} "
        f"[{cell.recall.low:.1%}, {cell.recall.high:.1%}] of {cell.num_haystacks}<br>"
        f"{cell.bytes_moved:,.0f} bytes to the device<br>"
        f"{cell.ingest_s:.2f} s to take in, {cell.answer_s:.2f} s to answer"
    )
