"""Verbs about studies."""

import re
import sys
from pathlib import Path

from gpu_commons.cli import Unfinished, show
from gpu_commons.table_text import aligned, interval_text


def run(
    study: str, out: str, workers: int = 1, cluster: str | None = None, share: str = "1/1", json: bool = False
) -> None:
    """Play a study, or what is left of it, and print its table.

    Args:
        study: YAML, TOML or JSON file with games, partners and agents, and if you like horizon, episodes and seed.
        out: Folder of the results; run again to go on.
        workers: Processes.
        cluster: Address of a Ray cluster in their place, "auto" or "local"; takes the extra [ray].
        share: Such as 2/5: only the second of five parts of the cells; `merge` puts the folders together.
        json: Print JSON.
    """
    from agent_tom.study.folder import PLAN_FILE, cells_of
    from agent_tom.study.plan import read_study
    from agent_tom.study.run import run_study

    try:
        run_study(read_study(study), out, workers=workers, cluster=cluster, share=_share(share))
    except KeyboardInterrupt:
        if not Path(out, PLAN_FILE).is_file():  # nothing was begun
            raise
        there, planned = cells_of(out)
        raise Unfinished(f"stopped with {there} of {planned} cells; run again to go on.") from None
    metrics(out, json=json)


def _share(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d+)/(\d+)", text)
    if found is None:
        raise ValueError(f"`share` must be such as 2/5, the second of five parts, got {text!r}.")
    return int(found[1]), int(found[2])


def metrics(folder: str, json: bool = False) -> None:
    """The table of a study: what each agent knows and loses, how that was computed, and 95 % intervals over episodes.

    Args:
        folder: Of the study.
        json: Print JSON.
    """
    from agent_tom.study.folder import cells_of
    from agent_tom.study.tables import COLUMNS, table

    there, planned = cells_of(folder)
    if there < planned:
        print(f"{there} of {planned} cells are there yet", file=sys.stderr)
    rows = table(folder)
    if json:
        show(rows, as_json=True)
        return
    names = ("game", "partner", "agent", "estimator", "believed")
    head = (*names, *(name for name in COLUMNS if any(row[name] is not None for row in rows)))
    print(
        aligned(
            head,
            [[row[name] or "–" if name in names else interval_text(row[name], 3) for name in head] for row in rows],
        )
    )


def compare_agents(folder: str, agent: str, other: str, measure: str = "regret", json: bool = False) -> None:
    """One agent less another in each game against each partner, episode by episode.

    Args:
        folder: Of the study.
        agent: As the table names it.
        other: Likewise.
        measure: Such as regret, accuracy or gap.
        json: Print JSON.
    """
    from agent_tom.study.tables import compare

    rows = compare(folder, agent, other, name=measure)
    if json:
        show(rows, as_json=True)
        return
    head = ("game", "partner", f"{measure} of {agent} less {other}", "p", "p (Holm)", "detectable")
    print(
        aligned(
            head,
            [
                [
                    row["game"],
                    row["partner"],
                    interval_text([row["difference"], row["low"], row["high"]], 3),
                    *(f"{row[name]:.3g}" for name in ("p", "p_holm", "detectable")),
                ]
                for row in rows
            ],
        )
    )


def report(folder: str, out: str, title: str | None = None, json: bool = False) -> None:
    """One HTML page of a study: tables, regret curves, moves, preferences, and the rounds that cost most.

    Args:
        folder: Of the study, finished or not.
        out: The page, which needs no network.
        title: Of the page.
        json: Print JSON.
    """
    from agent_tom.report import write_report

    page = write_report(folder, out) if title is None else write_report(folder, out, title=title)
    show({"page": str(page)} if json else str(page), as_json=json)


def merge(folders: list[str], out: str, json: bool = False) -> None:
    """Put parts of one study together that were played in folders of their own.

    Args:
        folders: With the parts.
        out: Folder of the whole.
        json: Print JSON.
    """
    from agent_tom.study.merge import merge_studies

    there, planned = merge_studies(folders, out)
    show({"cells": there, "of": planned}, as_json=json)
    if there < planned:
        raise Unfinished(
            f"{planned - there} of {planned} cells are in none of the folders; run their parts, and merge again."
        )
