"""Pictures of the gallery, drawn from committed records and from what the packages compute in seconds.

Sphinx draws them into ``_build/pictures`` before it reads the pages; by hand: ``python docs/pictures FOLDER``.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.figure import Figure

from pictures import agents, memory, proteins, safety, steering
from pictures.drawing import ROOT

PICTURES = ROOT / "docs" / "_build" / "pictures"
LOOK = {"font.size": 10, "svg.hashsalt": "adaptive-lm", "axes.spines.top": False, "axes.spines.right": False}

DRAWN: dict[str, Callable[[], Figure]] = {
    "memory-recall": memory.recall,
    "memory-hops": memory.hops,
    "memory-step": memory.step,
    "safe-mixes": safety.mixes_compared,
    "steering-price": steering.trade_off,
    "steering-cost": steering.cost,
    "agents-regret": agents.regret,
    "agents-gap": agents.gap,
    "protein-scorers": proteins.correlations,
}
WRITTEN: dict[str, Callable[[Path], None]] = {
    "safe-frontier": safety.frontier,
    "protein-heat-map": proteins.heat_map,
}


def draw_all(folder: Path = PICTURES) -> list[Path]:
    """Draw every picture, and return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = []
    for name, write in WRITTEN.items():
        drawn.append(folder / f"{name}.png")
        write(drawn[-1])
    with rc_context(LOOK):
        for name, draw in DRAWN.items():
            drawn.append(folder / f"{name}.svg")
            draw().savefig(drawn[-1], metadata={"Date": None})
    return drawn


def for_sphinx(app: Any) -> None:
    """Called when a build begins."""
    draw_all()
