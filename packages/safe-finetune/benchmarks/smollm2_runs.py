"""What the validations on SmolLM2 have in common: their arguments, and figures over seeds."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gpu_commons import Figure

RESULTS = Path(__file__).parent / "results"
SEEDS = (0, 1, 2)


def arguments(description: str | None) -> argparse.Namespace:
    """Of a script whose finished runs and models are kept in a folder; arguments of other scripts are passed over."""
    parser = argparse.ArgumentParser(description=description, allow_abbrev=False)
    parser.add_argument("--work", type=Path, default=RESULTS / "scratch" / "smollm2", help="finished runs and models")
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS))
    parser.add_argument("--scale", type=float, default=1.0, help="of steps, rows and questions, for a trial")
    parser.add_argument("--results", type=Path, default=RESULTS)
    run, _ = parser.parse_known_args()
    if run.scale < 1:  # what a trial leaves must not pass for a finished run
        run.work = run.work / f"trial_{run.scale:g}"
    run.work.mkdir(parents=True, exist_ok=True)
    run.shortened = run.scale < 1 or len(run.seeds) < len(SEEDS)
    return run


def scaled(number: int, run: argparse.Namespace) -> int:
    """So many, or fewer in a trial."""
    return max(4, round(run.scale * number))


def over_seeds(
    name: str, values: Sequence[float], *, unit: str = "rate", better: Any = "higher", target: float | None = None
) -> Figure:
    """Mean, with the lowest and the highest seed."""
    interval = (min(values), max(values))
    return Figure(id=name, value=float(np.mean(values)), interval=interval, unit=unit, better=better, target=target)
