"""The heat map of a scan: sites across, amino acids upwards, in rows of 80 sites."""

from typing import Any

import numpy as np

from protein_fitness.report.layout import ORDER, SITES, Strip, strips
from protein_fitness.site_matrix import SiteMatrix

COLOURS = "Viridis"
"""Even in lightness, and told apart by colour-blind readers; brighter is fitter."""
_ROW_HEIGHT, _GAP = 330, 60


def heat_map(matrix: SiteMatrix) -> Any:
    """A plotly ``Figure``: a cell a mutant, a dot at the wild type's own letter; hovering tells mutant and score.

    Raises:
        ValueError: If there is no score at all.
    """
    from plotly.subplots import make_subplots

    if np.isnan(matrix.scores).all():
        raise ValueError(f"{matrix.scorer} has no score for any mutant; there is nothing to draw.")
    rows = strips(matrix)
    height = _ROW_HEIGHT * len(rows)
    figure = make_subplots(rows=len(rows), cols=1, vertical_spacing=_GAP / height)
    for number, strip in enumerate(rows, start=1):
        _add_cells(figure, strip, {"row": number, "col": 1})
        _add_axes(figure, strip, {"row": number, "col": 1}, min(SITES, len(matrix.sequence)))
    figure.update_layout(
        template="plotly_white",
        height=height + 80,
        margin={"l": 40, "r": 10, "t": 20, "b": 60},
        coloraxis={"colorscale": COLOURS, "colorbar": {"title": {"text": "score"}, "len": 250, "lenmode": "pixels"}},
        font={"size": 11},
    )
    return figure


def _add_cells(figure: Any, strip: Strip, where: dict[str, int]) -> None:
    figure.add_heatmap(
        x=strip.positions,
        y=list(ORDER),
        z=strip.scores,
        customdata=strip.mutants,
        coloraxis="coloraxis",
        hoverongaps=False,
        hovertemplate="<b>%{customdata}</b><br>score %{z:.3f}<extra></extra>",
        **where,
    )
    known = [(place, letter) for place, letter in zip(strip.positions, strip.wild, strict=True) if letter in ORDER]
    figure.add_scatter(
        x=[place for place, _ in known],
        y=[letter for _, letter in known],
        mode="markers",
        marker={"color": "#555555", "size": 5},
        hovertemplate="wild type %{y}%{x}<extra></extra>",
        showlegend=False,
        **where,
    )


def _add_axes(figure: Any, strip: Strip, where: dict[str, int], width: int) -> None:
    """A short last row keeps the width of a cell."""
    ticks = [place for place in strip.positions if place % 5 == 0 or place == strip.first]
    figure.update_xaxes(
        range=[strip.first - 0.5, strip.first + width - 0.5],
        tickvals=ticks,
        ticktext=[f"{strip.wild[place - strip.first]}{place}" for place in ticks],
        tickangle=-60,
        showgrid=False,
        **where,
    )
    figure.update_yaxes(type="category", categoryarray=list(ORDER), dtick=1, showgrid=False, **where)
