"""Play a study: cell by cell, resumable, with the same bytes for any number of workers."""

import json
import math
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache, partial
from pathlib import Path

import yaml
from tqdm import tqdm

from agent_tom.agents.registry import make_agent
from agent_tom.games.matrix_game import MatrixGame
from agent_tom.games.registry import make_game
from agent_tom.oracle.best_response import BestResponse, best_response
from agent_tom.partners.automaton import Automaton
from agent_tom.partners.black_box import BlackBoxPartner
from agent_tom.partners.registry import make_partner
from agent_tom.playing.episodes import groups_of, joined, most_at_once, play
from agent_tom.study.plan import Cell, Study
from agent_tom.study.records import joined_accounts, read_account, read_cell, write_cell
from gpu_commons.parallel import run_tasks
from gpu_commons.write_aside import write_text_aside

PLAN_FILE, ENVIRONMENT_FILE, CELL_FOLDER, PART_FOLDER = "study.json", "environment.json", "cells", "parts"


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
    part, parts = share
    if not 1 <= part <= parts:
        raise ValueError(f"`share` must be one of 1 to {parts} parts, got {part} of {parts}.")
    folder = Path(out)
    plan = folder / PLAN_FILE
    if plan.is_file() and plan.read_text(encoding="utf-8") != study.as_json():
        raise ValueError(f"{folder} holds another study than the one to be run; give another folder, or its own plan.")
    (folder / CELL_FOLDER).mkdir(parents=True, exist_ok=True)
    if not plan.is_file():
        write_text_aside(study.as_json(), plan)
    _note_environment(folder)
    cells = [cell for cell in study.cells() if cell.number % parts == part - 1]
    missing = [cell for cell in cells if not cell_file(folder, cell).is_file()]
    done = run_tasks(partial(_play_cell, folder.absolute()), missing, workers=workers, cluster=cluster)
    with tqdm(
        desc="study", total=len(cells), initial=len(cells) - len(missing), unit="cell", disable=not progress
    ) as bar:
        for _ in done:
            bar.update()
    with suppress(OSError):  # not there, or in use by a run of another part
        (folder / PART_FOLDER).rmdir()
    return len(missing)


def _note_environment(folder: Path) -> None:
    """Versions and hardware, once more if a run goes on with others."""
    from gpu_commons.environment import environment_record  # torch takes seconds, which tables need not wait for

    file, now = folder / ENVIRONMENT_FILE, environment_record()
    noted = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else []
    if now not in noted:
        write_text_aside(json.dumps([*noted, now], indent=2) + "\n", file)


def cell_file(folder: Path, cell: Cell) -> Path:
    """Where a cell's episodes lie."""
    return folder / CELL_FOLDER / f"{cell.number:05d}.parquet"


@lru_cache(maxsize=8)
def solved(
    game: str, partner: str, horizon: int
) -> tuple[MatrixGame, Automaton | BlackBoxPartner, BestResponse | None]:
    """A game, a partner in it (given as YAML, so that it can be remembered), and the best play where it is known."""
    played, found = make_game(game), make_partner(yaml.safe_load(partner))
    if isinstance(found, BlackBoxPartner):
        return played, found, None
    automaton = found.automaton(played, horizon)
    return played, automaton, best_response(played, automaton, horizon)


def setting_of(cell: Cell) -> tuple[MatrixGame, Automaton | BlackBoxPartner, BestResponse | None]:
    """Game, partner and best play of a cell."""
    return solved(cell.game, yaml.safe_dump(cell.partner), cell.horizon)


def _play_cell(folder: Path, cell: Cell) -> int:
    """Play a cell, a group of episodes at a time; groups that an interrupted run left are not played again."""
    game, partner, solution = setting_of(cell)
    agent = make_agent(cell.agent)
    groups = groups_of(range(cell.episodes), most_at_once(agent, partner))
    whole = cell_file(folder, cell)
    parts = [
        whole.parent.with_name(PART_FOLDER) / f"{whole.stem}-{number:05d}.parquet" for number in range(len(groups))
    ]
    files = [whole] if len(groups) == 1 else parts
    for group, file in zip(groups, files, strict=True):
        if not file.is_file():
            found = play(game, partner, agent, horizon=cell.horizon, episodes=group, seed=cell.seed, solution=solution)
            write_cell(cell, found, file, agent.account())
    if len(groups) > 1:
        account = joined_accounts([read_account(file) for file in files])
        write_cell(cell, joined([read_cell(file)[1] for file in files]), whole, account)
        for file in files:
            file.unlink()
    return cell.number


def cells_of(folder: str | Path) -> tuple[int, int]:
    """Cells that are there, and cells that the study has.

    Raises:
        FileNotFoundError: If the folder holds no study.
    """
    there = len(list(finished_cells(folder)))
    lists = json.loads(Path(folder, PLAN_FILE).read_text(encoding="utf-8"))
    return there, math.prod(len(lists[name]) for name in ("games", "partners", "agents"))


def finished_cells(folder: str | Path) -> Iterator[Path]:
    """Files of the cells that are there, in their order.

    Raises:
        FileNotFoundError: If the folder holds no study.
    """
    folder = Path(folder)
    if not (folder / PLAN_FILE).is_file():
        raise FileNotFoundError(f"no study in {folder.absolute()}; `agent-tom run STUDY --out {folder}` makes one.")
    yield from sorted((folder / CELL_FOLDER).glob("*.parquet"))
