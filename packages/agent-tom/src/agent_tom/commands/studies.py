"""Verbs about studies."""

from typing import Any

from gpu_commons.cli import show


def run(study: str, out: str, workers: int = 1, json: bool = False) -> None:
    """Play a study, or what is left of it, and print its table.

    Args:
        study: YAML or JSON file with games, partners and agents, and if you like horizon, episodes and seed.
        out: Folder of the results; run again to go on.
        workers: Processes.
        json: Print JSON.
    """
    from agent_tom.study.plan import read_study
    from agent_tom.study.run import run_study

    run_study(read_study(study), out, workers=workers)
    metrics(out, json=json)


def metrics(folder: str, json: bool = False) -> None:
    """The table of a study: what each agent knows and loses, how that was computed, and 95 % intervals over episodes.

    Args:
        folder: Of the study.
        json: Print JSON.
    """
    from agent_tom.study.tables import COLUMNS, table

    rows = table(folder)
    if json:
        show(rows, as_json=True)
        return
    names = ("game", "partner", "agent", "estimator", "believed")
    head = (*names, *(name for name in COLUMNS if any(row[name] is not None for row in rows)))
    _print_table(head, [[row[name] or "–" if name in names else _interval(row[name]) for name in head] for row in rows])


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
    _print_table(
        head,
        [
            [
                row["game"],
                row["partner"],
                _interval([row["difference"], row["low"], row["high"]]),
                *(f"{row[name]:.3g}" for name in ("p", "p_holm", "detectable")),
            ]
            for row in rows
        ],
    )


def _interval(found: Any) -> str:
    return "–" if found is None else f"{found[0]:.3f} [{found[1]:.3f}, {found[2]:.3f}]"


def _print_table(head: tuple[str, ...], rows: list[list[str]]) -> None:
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    for row in (head, *rows):
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
