"""Cells in parts: as many episodes as agent and partner can play side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from agent_tom.agents.registry import make_agent
from agent_tom.partners.registry import make_partner
from agent_tom.playing.episodes import groups_of, joined, most_at_once, play
from agent_tom.study.folder import PART_FOLDER, cell_file
from agent_tom.study.plan import Cell
from agent_tom.study.records import joined_accounts, read_account, read_cell, write_cell
from agent_tom.study.setting import setting_of


@dataclass(frozen=True, kw_only=True)
class Part:
    """Some episodes of a cell.

    Attributes:
        cell: Of which.
        episodes: Their numbers.
        file: Where they are to lie: the cell's own file if there are no others.
    """

    cell: Cell
    episodes: Sequence[int]
    file: Path


def parts_of(folder: Path, cell: Cell) -> list[Part]:
    """All parts of a cell."""
    groups = groups_of(range(cell.episodes), most_at_once(make_agent(cell.agent), make_partner(cell.partner)))
    whole = cell_file(folder, cell)
    if len(groups) == 1:
        return [Part(cell=cell, episodes=groups[0], file=whole)]
    aside = folder / PART_FOLDER
    return [
        Part(cell=cell, episodes=group, file=aside / f"{whole.stem}-{number:05d}.parquet")
        for number, group in enumerate(groups)
    ]


def play_part(part: Part) -> Part:
    """Play it and write it down."""
    game, partner, solution = setting_of(part.cell)
    agent = make_agent(part.cell.agent)
    found = play(
        game,
        partner,
        agent,
        horizon=part.cell.horizon,
        episodes=part.episodes,
        seed=part.cell.seed,
        solution=solution,
    )
    write_cell(part.cell, found, part.file, agent.account())
    return part


def join_parts(folder: Path, cell: Cell) -> None:
    """The cell's file in the place of those of its parts, if all of them are there."""
    files, whole = [part.file for part in parts_of(folder, cell)], cell_file(folder, cell)
    if files == [whole] or not all(file.is_file() for file in files):
        return
    account = joined_accounts([read_account(file) for file in files])
    write_cell(cell, joined([read_cell(file)[1] for file in files]), whole, account)
    for file in files:
        file.unlink()
