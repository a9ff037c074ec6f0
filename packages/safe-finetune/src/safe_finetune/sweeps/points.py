"""Points of a sweep, kept one by one, so that a killed sweep goes on where it was."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gpu_commons.write_aside import write_text_aside
from safe_finetune.frontier import Axis, Frontier, FrontierPoint
from safe_finetune.rows import EncodedRows
from safe_finetune.sft.row_losses import row_losses

SAFETY = Axis(name="held-out safety loss", better="lower", unit="nats per token")
CAPABILITY = Axis(name="held-out task loss", better="lower", unit="nats per token")


def judge_losses(model: Any, task: EncodedRows, safety: EncodedRows, *, batch_size: int = 16) -> tuple[float, float]:
    """Safety and task loss of a model on held-out rows: means over rows of means over response tokens."""
    found = [float(row_losses(model, rows, batch_size=batch_size).mean()) for rows in (safety, task)]
    return found[0], found[1]


class PointStore:
    """A folder with a file for each strength of each method.

    Args:
        folder: Made if it is not there.
        run: What decides the points beside method and strength, such as fingerprints of data and settings.

    Raises:
        ValueError: If the folder holds points of another run.
    """

    def __init__(self, folder: str | os.PathLike[str], run: dict[str, Any]):
        self.folder = Path(folder).expanduser()
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / "run.json"
        text = json.dumps(run, indent=2, sort_keys=True) + "\n"
        if file.is_file() and file.read_text(encoding="utf-8") != text:
            raise ValueError(f"{self.folder} has points of other data or settings; name another folder.")
        file.write_text(text, encoding="utf-8")

    def point(self, method: str, strength: float, measure: Callable[[], tuple[float, float]]) -> FrontierPoint:
        """The point that is there, or the one that is measured now: safety and capability."""
        file = self.folder / f"{method}_{strength:g}.json"
        if not file.is_file():
            write_text_aside(json.dumps(measure()), file)
        safety, capability = json.loads(file.read_text(encoding="utf-8"))
        return FrontierPoint(method=method, safety=safety, capability=capability, strength=strength)


def frontier_of(points: list[FrontierPoint]) -> Frontier:
    """The frontier of held-out losses."""
    return Frontier(SAFETY, CAPABILITY, tuple(points))
