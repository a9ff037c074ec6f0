"""The heat map as a PNG file, by matplotlib: plotly's own export needs a browser."""

import os
from pathlib import Path

import numpy as np

from gpu_commons.write_aside import written_aside
from protein_fitness.report.heat_map import COLOURS
from protein_fitness.report.layout import ORDER, SITES, strips
from protein_fitness.site_matrix import SiteMatrix


def write_png(matrix: SiteMatrix, path: str | os.PathLike[str]) -> Path:
    """Write the heat map in rows of 80 sites, a dot at the wild type's own letter.

    Raises:
        ImportError: If matplotlib is not installed; the message is the pip line.
    """
    try:
        from matplotlib.figure import Figure  # an extra
    except ImportError:
        raise ImportError('a PNG needs: pip install "protein-fitness[png]"') from None
    rows = strips(matrix)
    # A figure of its own instead of pyplot: no global state, no window.
    figure = Figure(figsize=(14, 3.4 * len(rows) + 0.6), layout="constrained")
    grid = figure.subplots(len(rows), 1, squeeze=False)[:, 0]
    limits = {"vmin": np.nanmin(matrix.scores), "vmax": np.nanmax(matrix.scores), "cmap": COLOURS.lower()}
    for axes, strip in zip(grid, rows, strict=True):
        edge = strip.first - 0.5
        shown = axes.imshow(
            strip.scores,
            origin="lower",
            aspect="auto",
            interpolation="nearest",
            extent=(edge, edge + len(strip.wild), -0.5, 19.5),
            **limits,
        )
        wild = [(place, ORDER.find(to)) for place, to in zip(strip.positions, strip.wild, strict=True) if to in ORDER]
        axes.scatter(*np.array(wild).reshape(-1, 2).T, s=9, color="#555555")
        axes.set_xlim(edge, edge + min(SITES, len(matrix.sequence)))
        axes.set_yticks(range(20), list(ORDER), fontsize=7)
        ticks = [place for place in strip.positions if place % 5 == 0 or place == strip.first]
        axes.set_xticks(ticks, [f"{strip.wild[place - strip.first]}{place}" for place in ticks], fontsize=7)
    figure.colorbar(shown, ax=list(grid), label=f"score ({matrix.scorer})", fraction=0.03)
    with written_aside(path) as aside:
        figure.savefig(aside, format="png", dpi=150)
    return Path(path)
