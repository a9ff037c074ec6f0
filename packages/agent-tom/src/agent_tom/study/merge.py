"""Parts of one study, played in folders of their own, put together."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from agent_tom.study.folder import CELL_FOLDER, ENVIRONMENT_FILE, PLAN_FILE, cells_of, finished_cells
from gpu_commons.write_aside import write_text_aside, written_aside


def merge_studies(folders: Sequence[str | Path], out: str | Path) -> tuple[int, int]:
    """Copy the cells of several folders into one, which may be there already.

    Args:
        folders: Each holds a part of the same study.
        out: Where all of it is to be.

    Returns:
        Cells in ``out``, and cells that the study has.

    Raises:
        FileNotFoundError: If a folder holds no study.
        ValueError: If there is none, two are of different studies, or hold the same cell with different episodes.
    """
    if not folders:
        raise ValueError("`folders` is empty; name at least one.")
    found = [(Path(folder), list(finished_cells(folder))) for folder in folders]
    target = Path(out)
    plan = (found[0][0] / PLAN_FILE).read_text(encoding="utf-8")
    for folder in (*(one for one, _ in found), target):
        if (folder / PLAN_FILE).is_file() and (folder / PLAN_FILE).read_text(encoding="utf-8") != plan:
            raise ValueError(f"{folder} holds another study than {found[0][0]}; merge parts of one study alone.")
    (target / CELL_FOLDER).mkdir(parents=True, exist_ok=True)
    write_text_aside(plan, target / PLAN_FILE)
    write_text_aside(_environments([*(folder for folder, _ in found), target]), target / ENVIRONMENT_FILE)
    for _, cells in found:
        for cell in cells:
            _copy(cell, target / CELL_FOLDER / cell.name)
    return cells_of(target)


def _copy(cell: Path, target: Path) -> None:
    if target.is_file():
        if target.read_bytes() != cell.read_bytes():
            raise ValueError(f"{cell} and {target} hold different episodes of the same cell; take one of them away.")
        return
    with written_aside(target) as aside:
        shutil.copyfile(cell, aside)


def _environments(folders: Sequence[Path]) -> str:
    """Of all folders, each one once."""
    files = [folder / ENVIRONMENT_FILE for folder in folders]
    noted = [one for file in files if file.is_file() for one in json.loads(file.read_text(encoding="utf-8"))]
    return json.dumps([one for number, one in enumerate(noted) if one not in noted[:number]], indent=2) + "\n"
