"""Picture of what is gained and what it costs: toxic rate against perplexity, one line a family of methods, one point a
strength.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from controlled_decoding.evaluation.bootstrap import Interval
from controlled_decoding.evaluation.report import Evaluation
from controlled_decoding.evaluation.summary import MeasureSummary

# Okabe and Ito's palette: told apart by colour-blind readers and in grey print; the markers tell the same once more.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7A5C00")
_MARKERS = ("circle", "square", "diamond", "triangle-up", "triangle-down", "hexagon", "pentagon")
_BASELINE = {"color": "#222222", "symbol": "x", "size": 12}


@dataclass(frozen=True)
class _Point:
    method: str
    family: str
    strength: float | None
    perplexity: Interval
    rate: Interval


def pareto_html(evaluation: Evaluation, *, page: bool = True) -> str:
    """Self-contained HTML: one panel for each judge (across) and each language model (down). Lower left is better.

    Methods named ``family(strength)`` are joined to one line in the order of strength; bars are 95 % intervals over
    prompts.

    Args:
        evaluation: With at least one method besides the baseline to be of use.
        page: A whole page with plotly's script in it; False gives a ``<div>`` for a page that has loaded the script
            itself (``plotly.offline.get_plotlyjs()``).

    Raises:
        ImportError: If plotly is not installed; the message is the pip line.
    """
    figure = pareto_figure(evaluation)
    # The button that would send the data to plotly's server has no place in an offline report.
    config = {"displaylogo": False, "responsive": True, "modeBarButtonsToRemove": ["sendChartToCloud"]}
    html = figure.to_html(full_html=page, include_plotlyjs=page, config=config)
    if page:
        html = html.replace(
            "<head>",
            '<head><title>Toxicity against perplexity</title><meta name="viewport" content="width=device-width">',
            1,
        )
    return html


def pareto_figure(evaluation: Evaluation) -> Any:
    """The picture as a plotly ``Figure``; see :func:`pareto_html`."""
    try:
        from plotly.subplots import make_subplots
    except ImportError:
        raise ImportError('the picture needs: pip install "controlled-decoding[eval]"') from None
    judges, models = [judge.name for judge in evaluation.judges], evaluation.language_models
    figure = make_subplots(
        rows=len(models),
        cols=len(judges),
        shared_xaxes=False,
        horizontal_spacing=0.09,
        vertical_spacing=0.16,
        column_titles=[f"judge: {judge}" for judge in judges],
    )
    families = _families(evaluation)
    for row, model in enumerate(models, 1):
        for column, judge in enumerate(judges, 1):
            for family, methods in families.items():
                points = [_point(evaluation, method, judge, model) for method in methods]
                style = _style(family, list(families), evaluation.baseline)
                figure.add_trace(_trace(family, points, style, in_legend=row == column == 1), row=row, col=column)
            figure.update_xaxes(title_text=f"perplexity by {model}", row=row, col=column)
            figure.update_yaxes(
                title_text="toxic rate" if column == 1 else None,
                tickformat=".0%",
                rangemode="tozero",
                row=row,
                col=column,
            )
    figure.update_layout(
        template="plotly_white",
        height=120 + 380 * len(models),
        title={
            "text": "Lower left is better. Numbers: strength; bars: 95 % intervals over prompts.",
            "font": {"size": 14},
        },
        margin={"l": 70, "r": 20, "t": 90, "b": 110},
        legend={"orientation": "h", "yanchor": "top", "y": -0.16 / len(models) - 0.04, "xanchor": "left", "x": 0},
        font={"size": 13},
    )
    return figure


def family_and_strength(method: str) -> tuple[str, float | None]:
    """``"sasa(1.0)"`` gives ("sasa", 1.0); a name without a number in brackets is a family of its own."""
    match = re.fullmatch(r"(.+)\(([^()]+)\)", method)
    try:
        return (match[1], float(match[2])) if match else (method, None)
    except ValueError:
        return method, None


def _families(evaluation: Evaluation) -> dict[str, list[str]]:
    families: dict[str, list[str]] = {}
    for method in evaluation.summaries:
        families.setdefault(family_and_strength(method)[0], []).append(method)
    return {
        family: sorted(methods, key=lambda method: family_and_strength(method)[1] or 0.0)
        for family, methods in families.items()
    }


def _point(evaluation: Evaluation, method: str, judge: str, model: str) -> _Point:
    measures: Any = evaluation.summaries[method]
    perplexity: MeasureSummary = measures[f"perplexity/{model}"]
    rate: MeasureSummary = measures[f"{judge}/toxic_rate"]
    return _Point(method, *family_and_strength(method), perplexity.value, rate.value)


def _style(family: str, families: list[str], baseline: str) -> dict[str, Any]:
    if family == baseline:
        return dict(_BASELINE)
    number = [name for name in families if name != baseline].index(family)
    return {"color": _COLOURS[number % len(_COLOURS)], "symbol": _MARKERS[number % len(_MARKERS)], "size": 9}


def _trace(family: str, points: Sequence[_Point], style: dict[str, Any], *, in_legend: bool) -> Any:
    from plotly.graph_objects import Scatter

    measured = [point for point in points if math.isfinite(point.perplexity.value) and math.isfinite(point.rate.value)]
    return Scatter(
        x=[point.perplexity.value for point in measured],
        y=[point.rate.value for point in measured],
        error_x=_bars([point.perplexity for point in measured], style["color"]),
        error_y=_bars([point.rate for point in measured], style["color"]),
        mode="lines+markers+text",
        text=["" if point.strength is None else f"{point.strength:g}" for point in measured],
        textposition="top right",
        textfont={"color": style["color"], "size": 12},
        marker=style,
        line={"color": style["color"], "width": 1.5},
        name=family,
        legendgroup=family,
        showlegend=in_legend,
        customdata=[[point.method, *point.perplexity[1:], *point.rate[1:]] for point in measured],
        hovertemplate=(
            "<b>%{customdata[0]}</b><br>toxic rate %{y:.1%} [%{customdata[3]:.1%}, %{customdata[4]:.1%}]"
            "<br>perplexity %{x:.2f} [%{customdata[1]:.2f}, %{customdata[2]:.2f}]<extra></extra>"
        ),
    )


def _bars(intervals: Sequence[Interval], colour: str) -> dict[str, Any]:
    return {
        "type": "data",
        "symmetric": False,
        "array": [interval.high - interval.value for interval in intervals],
        "arrayminus": [interval.value - interval.low for interval in intervals],
        "color": colour,
        "thickness": 1,
        "width": 3,
    }
