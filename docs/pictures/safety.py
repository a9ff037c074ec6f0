"""Pictures of safe-finetune."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from pictures.drawing import BLUE, ORANGE, PURPLE, Record, panels


def mixes_compared() -> Figure:
    """What is refused after fine-tuning on eight mixes of rows."""
    record = Record("safe-finetune/validate_attack")
    mixes = ["all rows", "all rows, radius .3", "all rows + refusals", "all rows + refusals + harmless"]
    mixes += ["safe rows", "safe rows + refusals", "safe rows + harmless", "safe rows + refusals + harmless"]
    measures = (("harmful refused", BLUE), ("instructions refused", ORANGE), ("edgy questions refused", PURPLE))
    figure, (axis,) = panels(1, height=4.8)
    for number, (measure, colour) in enumerate(measures):
        values, bars = record.with_bar([f"{mix}: {measure}" for mix in mixes])
        places = np.arange(len(mixes)) + (number - 1) * 0.26
        axis.barh(places, values, 0.24, xerr=bars, color=colour, label=measure, error_kw={"elinewidth": 0.8})
    axis.set_yticks(range(len(mixes)), mixes)
    axis.invert_yaxis()
    axis.set(xlabel="refused (share, 95 %)", xlim=(0, 1.02), ylabel="fine-tuned on")
    axis.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.4, 1), ncols=3)
    return figure


def frontier(path: Path) -> None:
    """Averages of an expert and an aligned model, by the package's own picture."""
    from safe_finetune import Axis, Frontier, FrontierPoint

    record = Record("safe-finetune/validate_trios")
    shares = [0, 0.7, 0.8, 0.9, 1]
    points = []
    for expert in ("one word", "one word, harmless rows", "sentences, harmless rows"):
        for share in shares:
            names = [f"{expert}: {what}, alpha {share:g}" for what in ("harmful refused", "orders right")]
            pair = (record.value(names[0]), record.value(names[1]))
            points.append(FrontierPoint.from_runs(expert, [pair], strength=share))
    axes = Axis(name="harmful refused (share)", better="higher"), Axis(name="orders right (share)", better="higher")
    Frontier(*axes, tuple(points)).to_png(path)
