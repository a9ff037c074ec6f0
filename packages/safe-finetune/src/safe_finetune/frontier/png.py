"""The frontier as a PNG file, by matplotlib: plotly's own export needs a browser."""

import os
from pathlib import Path
from typing import Any

from safe_finetune.frontier.frontier import Frontier
from safe_finetune.frontier.points import FrontierPoint
from safe_finetune.frontier.style import style_of


def write_png(frontier: Frontier, path: str | os.PathLike[str]) -> Path:
    """Write the picture aside and rename it.

    Raises:
        ImportError: If matplotlib is not installed; the message is the pip line.
    """
    try:
        from matplotlib.figure import Figure  # an extra
    except ImportError:
        raise ImportError('a PNG needs: pip install "safe-finetune[png]"') from None
    # A figure of its own instead of pyplot: no global state, no window.
    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.add_subplot()
    kept = {point for point, keep in zip(frontier.points, frontier.pareto_mask(), strict=True) if keep}
    for number, method in enumerate(frontier.methods):
        _draw(axes, frontier.of(method).points, kept, number)
    axes.set_xlabel(frontier.capability.title)
    axes.set_ylabel(frontier.safety.title)
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(f"{target.name}.partial")
    figure.savefig(aside, format="png", dpi=150)
    os.replace(aside, target)
    return target


def _draw(axes: Any, points: tuple[FrontierPoint, ...], kept: set[FrontierPoint], number: int) -> None:
    style = style_of(number)
    safety, capability = [point.safety for point in points], [point.capability for point in points]
    look = {"color": style.colour, "marker": style.matplotlib_marker}
    axes.plot(capability, safety, **look, markerfacecolor="white", linewidth=1.2, label=points[0].method)
    for point in points:
        x, y = point.capability, point.safety
        if point in kept:
            axes.plot(x, y, **look)
        for interval, along in ((point.capability_interval, "x"), (point.safety_interval, "y")):
            if interval is not None:
                ends = (interval, (y, y)) if along == "x" else ((x, x), interval)
                axes.plot(*ends, color=style.colour, linewidth=0.8)
        axes.annotate(point.text, (x, y), textcoords="offset points", xytext=(5, 4), color=style.colour, fontsize=8)
