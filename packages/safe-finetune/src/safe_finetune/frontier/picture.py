"""The frontier as a page: one line a method, one marker a strength, filled where no other point dominates."""

from typing import Any

from gpu_commons.page import Section, assemble_page, picture_fragment, table_fragment
from safe_finetune.frontier.frontier import Frontier
from safe_finetune.frontier.points import FrontierPoint
from safe_finetune.frontier.style import Style, style_of


def frontier_page(frontier: Frontier, title: str) -> str:
    """A whole page: the picture and a table of all points."""
    better = " and ".join(f"{axis.better} {axis.name}" for axis in (frontier.safety, frontier.capability))
    return assemble_page(
        title,
        [
            Section(
                "Frontier",
                f"Better is {better}. Filled markers are dominated by no other point; numbers are strengths; bars are "
                "the intervals that the table gives.",
                frontier_fragment(frontier, include_js=True),
            ),
            Section("Points", "All points, each method weakest first.", _table(frontier)),
        ],
    )


def frontier_fragment(frontier: Frontier, *, include_js: bool = False) -> str:
    """The picture as an HTML ``<div>``.

    Args:
        frontier: With at least one point.
        include_js: Whether plotly's script comes along; without it the page must have loaded it
            (``plotly.offline.get_plotlyjs()``).

    Raises:
        ValueError: If there are no points.
    """
    return picture_fragment(frontier_figure(frontier), "frontier", include_js=include_js)


def frontier_figure(frontier: Frontier) -> Any:
    """The picture as a plotly ``Figure``: capability across, safety upwards."""
    from plotly.graph_objects import Figure

    if not frontier.points:
        raise ValueError("`points` must hold at least one point for a picture, got 0; run the sweep first.")
    kept = {point for point, keep in zip(frontier.points, frontier.pareto_mask(), strict=True) if keep}
    figure = Figure()
    for number, method in enumerate(frontier.methods):
        figure.add_trace(_trace(frontier.of(method).points, kept, style_of(number)))
    figure.update_xaxes(title_text=frontier.capability.title)
    figure.update_yaxes(title_text=frontier.safety.title)
    figure.update_layout(
        template="plotly_white",
        height=520,
        margin={"l": 70, "r": 20, "t": 30, "b": 60},
        showlegend=True,
        legend={"orientation": "h", "yanchor": "top", "y": -0.16, "xanchor": "left", "x": 0},
        font={"size": 13},
    )
    return figure


def _trace(points: tuple[FrontierPoint, ...], kept: set[FrontierPoint], style: Style) -> Any:
    from plotly.graph_objects import Scatter

    safety = [point.safety for point in points]
    capability = [point.capability for point in points]
    return Scatter(
        x=capability,
        y=safety,
        error_x=_bars(capability, [point.capability_interval for point in points], style.colour),
        error_y=_bars(safety, [point.safety_interval for point in points], style.colour),
        mode="lines+markers+text",
        text=[point.text for point in points],
        textposition="top right",
        textfont={"color": style.colour, "size": 12},
        marker={
            "symbol": style.plotly_marker,
            "size": 9,
            "color": [style.colour if point in kept else "#ffffff" for point in points],
            "line": {"color": style.colour, "width": 1.5},
        },
        line={"color": style.colour, "width": 1.5},
        name=points[0].method,
        hovertemplate="<b>%{fullData.name} %{text}</b><br>safety %{y:.4g}<br>capability %{x:.4g}<extra></extra>",
    )


def _bars(values: list[float], intervals: list[tuple[float, float] | None], colour: str) -> dict[str, Any]:
    ends = [(value, value) if interval is None else interval for value, interval in zip(values, intervals, strict=True)]
    return {
        "type": "data",
        "symmetric": False,
        "array": [high - value for value, (_, high) in zip(values, ends, strict=True)],
        "arrayminus": [value - low for value, (low, _) in zip(values, ends, strict=True)],
        "color": colour,
        "thickness": 1,
        "width": 3,
    }


def _table(frontier: Frontier) -> str:
    kept = {point for point, keep in zip(frontier.points, frontier.pareto_mask(), strict=True) if keep}
    rows = [
        [
            point.method,
            point.text,
            _with_interval(point.safety, point.safety_interval),
            _with_interval(point.capability, point.capability_interval),
            "no" if point in kept else "yes",
        ]
        for method in frontier.methods
        for point in frontier.of(method).points
    ]
    header = ["method", "strength", frontier.safety.title, frontier.capability.title, "dominated"]
    return table_fragment(header, rows)


def _with_interval(value: float, interval: tuple[float, float] | None) -> str:
    return f"{value:.4g}" + ("" if interval is None else f" [{interval[0]:.4g}, {interval[1]:.4g}]")
