"""Play a study: cell by cell, resumable, with the same bytes for any number of workers."""

import json
from contextlib import suppress
from pathlib import Path

from tqdm import tqdm

from agent_tom.study.folder import CELL_FOLDER, ENVIRONMENT_FILE, PART_FOLDER, PLAN_FILE, cell_file
from agent_tom.study.parts import join_parts, parts_of, play_part
from agent_tom.study.plan import Study
from gpu_commons.parallel import run_tasks
from gpu_commons.write_aside import write_text_aside


def run_study(
    study: Study,
    out: str | Path,
    *,
    workers: int = 1,
    cluster: str | None = None,
    share: tuple[int, int] = (1, 1),
    progress: bool = True,
) -> int:
    """Play what the folder does not hold yet.

    Args:
        study: What to play.
        out: Folder of the plan, of what it is run with, and of a Parquet file for each cell.
        workers: Processes.
        cluster: A Ray cluster in their place, whose machines must all find the folder; see
            :func:`gpu_commons.parallel.run_tasks`.
        share: Which part of the cells to play (from 1), and how many parts there are, for machines that work side by
            side; :func:`merge_studies` puts their folders together.
        progress: Show a bar on stderr.

    Returns:
        Cells played now.

    Raises:
        ValueError: If the folder holds another study, or there is no such part.
    """
    if not 1 <= share[0] <= share[1]:
        raise ValueError(f"`share` must be one of 1 to {share[1]} parts, got {share[0]} of {share[1]}.")
    folder = Path(out)
    plan = folder / PLAN_FILE
    if plan.is_file() and plan.read_text(encoding="utf-8") != study.as_json():
        raise ValueError(f"{folder} holds another study than the one to be run; give another folder, or its own plan.")
    (folder / CELL_FOLDER).mkdir(parents=True, exist_ok=True)
    if not plan.is_file():
        write_text_aside(study.as_json(), plan)
    _note_environment(folder)
    return _play_missing(study, folder.absolute(), share, workers=workers, cluster=cluster, progress=progress)


def _play_missing(
    study: Study, folder: Path, share: tuple[int, int], *, workers: int, cluster: str | None, progress: bool
) -> int:
    """Play parts of cells that are not there, and join them; episodes of the bar are those of the share."""
    number, shares = share
    cells = [cell for cell in study.cells() if cell.number % shares == number - 1]
    missing = [cell for cell in cells if not cell_file(folder, cell).is_file()]
    waiting = [part for cell in missing for part in parts_of(folder, cell) if not part.file.is_file()]
    planned, to_play = len(cells) * study.episodes, sum(len(part.episodes) for part in waiting)
    with tqdm(desc="study", total=planned, initial=planned - to_play, unit="episode", disable=not progress) as bar:
        for part in run_tasks(play_part, waiting, workers=workers, cluster=cluster):
            join_parts(folder, part.cell)
            bar.update(len(part.episodes))
    for cell in missing:  # whose last part was there, but not yet joined when a run was stopped
        join_parts(folder, cell)
    with suppress(OSError):  # not there, or in use by a run of another share
        (folder / PART_FOLDER).rmdir()
    return len(missing)


def _note_environment(folder: Path) -> None:
    """Versions and hardware, once more if a run goes on with others."""
    from gpu_commons.environment import environment_record  # torch takes seconds, which tables need not wait for

    file, now = folder / ENVIRONMENT_FILE, environment_record()
    noted = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else []
    if now not in noted:
        write_text_aside(json.dumps([*noted, now], indent=2) + "\n", file)
