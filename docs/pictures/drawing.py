"""What pictures are drawn from and with: records, colours, axes side by side."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

ROOT = Path(__file__).resolve().parents[2]
# Okabe and Ito's colours, which the colour-blind can tell apart.
BLUE, ORANGE, GREEN, RED, PURPLE, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#777777"


class Record:
    """The newest committed record of a benchmark."""

    def __init__(self, name: str):
        package, _, benchmark = name.partition("/")
        files = (ROOT / "packages" / package / "benchmarks" / "results").glob(f"{benchmark}--*.json")
        newest = max(files, key=lambda path: path.stem.rpartition("--")[2])
        self._figures = {each["id"]: each for each in json.loads(newest.read_text(encoding="utf-8"))["figures"]}

    def value(self, figure: str) -> float:
        return self._figures[figure]["value"]

    def with_bar(self, figures: Sequence[str]) -> tuple[list[float], np.ndarray]:
        """Values, and how far their intervals reach below and above."""
        found = [self._figures[each] for each in figures]
        values = [each["value"] for each in found]
        ends = [each["interval"] or (each["value"], each["value"]) for each in found]
        reach = [(value - low, high - value) for value, (low, high) in zip(values, ends, strict=True)]
        return values, np.maximum(np.array(reach).T, 0)


def panels(count: int, *, height: float = 3.6, share_y: bool = True) -> tuple[Figure, list[Axes]]:
    """A figure of its own instead of pyplot: no global state, no window."""
    figure = Figure(figsize=(9, height), layout="constrained")
    return figure, list(figure.subplots(1, count, sharey=share_y, squeeze=False)[0])
