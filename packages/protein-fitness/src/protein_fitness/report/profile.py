"""How much each site tolerates, beside how deep it is buried."""

from typing import Any

import numpy as np

from protein_fitness.protein import Protein
from protein_fitness.site_matrix import SiteMatrix

TOLERANCE, BURIAL = "#0072b2", "#d55e00"


def site_profile(matrix: SiteMatrix, protein: Protein) -> Any:
    """A plotly ``Figure``: the mean score of each site's mutants and, with a structure, its burial.

    Burial is one minus the relative solvent accessibility, not below 0.
    """
    from plotly.graph_objects import Figure

    positions = np.arange(1, len(matrix.sequence) + 1)
    names = [f"{letter}{position}" for letter, position in zip(matrix.sequence, positions.tolist(), strict=True)]
    figure = Figure()
    figure.add_scatter(
        x=positions,
        y=matrix.tolerance(),
        customdata=names,
        mode="lines+markers",
        name="tolerance",
        marker={"size": 4},
        line={"color": TOLERANCE, "width": 1.5},
        hovertemplate="<b>%{customdata}</b><br>tolerance %{y:.3f}<extra></extra>",
    )
    if protein.structure is not None:
        figure.add_scatter(
            x=positions,
            y=1 - protein.of_structure(protein.structure.accessibility).clip(0, 1),
            customdata=names,
            mode="lines",
            name="burial",
            yaxis="y2",
            line={"color": BURIAL, "width": 1.5, "dash": "dot"},
            hovertemplate="<b>%{customdata}</b><br>burial %{y:.2f}<extra></extra>",
        )
    figure.update_layout(
        template="plotly_white",
        height=340,
        margin={"l": 60, "r": 60, "t": 20, "b": 50},
        xaxis={"title": {"text": "position"}, "showgrid": False},
        yaxis={"title": {"text": "mean score of a site's mutants"}},
        yaxis2={
            "title": {"text": "burial"},
            "overlaying": "y",
            "side": "right",
            "range": [0, 1],
            "tickmode": "array",
            "tickvals": [0, 0.5, 1],
            "showgrid": False,
        },
        legend={"orientation": "h", "y": 1.12},
        showlegend=True,
    )
    return figure
