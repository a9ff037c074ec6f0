"""A study's folder: its plan, what it was run with, and a file for each cell."""

import json
import math
from collections.abc import Iterator
from pathlib import Path

from agent_tom.study.plan import Cell

PLAN_FILE, ENVIRONMENT_FILE, CELL_FOLDER, PART_FOLDER = "study.json", "environment.json", "cells", "parts"


def cell_file(folder: Path, cell: Cell) -> Path:
    """Where a cell's episodes lie."""
    return folder / CELL_FOLDER / f"{cell.number:05d}.parquet"


def finished_cells(folder: str | Path) -> Iterator[Path]:
    """Files of the cells that are there, in their order.

    Raises:
        FileNotFoundError: If the folder holds no study.
    """
    folder = Path(folder)
    if not (folder / PLAN_FILE).is_file():
        raise FileNotFoundError(f"no study in {folder.absolute()}; `agent-tom run STUDY --out {folder}` makes one.")
    yield from sorted((folder / CELL_FOLDER).glob("*.parquet"))


def cells_of(folder: str | Path) -> tuple[int, int]:
    """Cells that are there, and cells that the study has.

    Raises:
        FileNotFoundError: If the folder holds no study.
    """
    there = len(list(finished_cells(folder)))
    lists = json.loads(Path(folder, PLAN_FILE).read_text(encoding="utf-8"))
    return there, math.prod(len(lists[name]) for name in ("games", "partners", "agents"))
