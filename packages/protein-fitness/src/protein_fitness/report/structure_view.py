"""The structure in three dimensions: the trace of its C-alpha atoms, coloured by what each site tolerates.

Drawn by plotly, which the page carries anyway: no package of the registry holds a molecular viewer as a script that a
page could carry along.
"""

from typing import Any

import numpy as np

from protein_fitness.protein import Protein
from protein_fitness.report.heat_map import COLOURS
from protein_fitness.site_matrix import SiteMatrix
from protein_fitness.structures.structure import CA, Structure

CHOSEN = 2
"""Number of the trace that marks the site that was clicked; empty at first."""


def structure_view(matrix: SiteMatrix, protein: Protein) -> Any:
    """A plotly ``Figure`` of three traces: the chain, broken where it is, a marker a residue, and the chosen one.

    A marker's ``customdata`` is its position in the sequence, from 1; residues without one are left out.

    Raises:
        ValueError: If the protein has no structure.
    """
    from plotly.graph_objects import Figure

    structure, along = protein.structure, protein.along
    if structure is None or along is None:
        raise ValueError("the protein has no structure to draw; give one.")
    here = np.flatnonzero(along.position >= 0)
    at, positions = places_of(structure)[here], along.position[here]
    figure = Figure()
    x, y, z = _with_breaks(structure).T
    figure.add_scatter3d(
        x=x, y=y, z=z, mode="lines", line={"color": "#b0b0b0", "width": 5}, hoverinfo="skip", connectgaps=False
    )
    figure.add_scatter3d(
        x=at[:, 0],
        y=at[:, 1],
        z=at[:, 2],
        mode="markers",
        customdata=positions + 1,
        text=[
            f"{matrix.sequence[place]}{place + 1}, residue {structure.labels[residue]} of chain {structure.chain}"
            for residue, place in zip(here.tolist(), positions.tolist(), strict=True)
        ],
        marker={
            "size": 6,
            "color": matrix.tolerance()[positions],
            "colorscale": COLOURS,
            "colorbar": {"title": {"text": "tolerance"}, "len": 0.6},
        },
        hovertemplate="<b>%{text}</b><br>tolerance %{marker.color:.3f}<extra></extra>",
    )
    figure.add_scatter3d(
        x=[], y=[], z=[], mode="markers", marker={"size": 14, "color": "#d55e00", "opacity": 0.6}, hoverinfo="skip"
    )
    hidden = {"visible": False}
    figure.update_layout(
        height=560,
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        showlegend=False,
        uirevision="kept",  # a click does not turn the structure back
        scene={"xaxis": hidden, "yaxis": hidden, "zaxis": hidden, "aspectmode": "data"},
    )
    return figure


def places_of(structure: Structure) -> np.ndarray:
    """C-alpha atoms in Å about their centre, to a hundredth."""
    found = structure.backbone[:, CA]
    return np.round(found - found.mean(0), 2)


def _with_breaks(structure: Structure) -> np.ndarray:
    """C-alpha atoms with a row of NaN, at which the line ends, after each residue that the chain is broken after."""
    return np.insert(places_of(structure), np.flatnonzero(structure.break_after) + 1, np.nan, axis=0)
