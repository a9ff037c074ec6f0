"""The whole page of a study."""

from collections.abc import Sequence
from html import escape
from itertools import groupby
from pathlib import Path
from typing import Any

from agent_tom.report.settings import Setting, settings_fragment
from agent_tom.report.yardsticks import with_yardsticks
from agent_tom.study.bias import bias_rows
from agent_tom.study.folder import ENVIRONMENT_FILE, PLAN_FILE
from agent_tom.study.played import PlayedCell, played_cells
from agent_tom.study.tables import COLUMNS, table_row
from gpu_commons.page import Section, assemble_page, picture_fragment, table_fragment, write_html
from gpu_commons.table_text import interval_text

_TABLE = (
    "Knowing is how often the partner's move was foretold; losing is regret a round against the best play for this "
    "partner; the gap is what was lost though it was known. Means over episodes with 95 % intervals. The best play, "
    "random play and a learner (RMax) are there for comparison."
)
_SCATTER = (
    "Right is who knows its partner, low is who acts on it: 0 is the best play, 1 random play. Who knows and does not "
    "use it stands upper right."
)
_SETTINGS = (
    "Regret adds up over the rounds; a cross marks the round from which the learner has lost less. Below: how often each "
    "move was made, round by round."
)
_BIAS = (
    "How likely the agent made each choice by its label and by its place in the list, whatever it was worth; without "
    "such a preference all are chosen alike. Spread is the difference of regret between the best and the worst way to "
    "name, or to list, the options."
)


def write_report(
    folder: str | Path, out: str | Path, *, title: str = "Who knows its partner, and who acts on it"
) -> Path:
    """Write one HTML file that shows a study, finished or not; nothing is fetched when it is opened.

    Args:
        folder: Of the study.
        out: The page.
        title: Of it, as text.

    Raises:
        FileNotFoundError: If the folder holds no study.
        ValueError: If none of its cells is there.
    """
    cells = list(with_yardsticks(played_cells(folder)))
    if not cells:
        raise ValueError(f"{folder} holds no finished cell yet; run the study first.")
    rows = [table_row(played) for played in cells]
    sections = [
        Section("Knowing and doing", _TABLE, _table(rows)),
        Section("Both at once", _SCATTER, picture_fragment(_scatter(rows), "scatter", include_js=True)),
        Section("One game, one partner", _SETTINGS, settings_fragment(_settings(cells))),
    ]
    if biases := bias_rows(cells):
        sections.append(Section("Labels and places", _BIAS, _bias_table(biases)))
    sections.append(Section("Where it comes from", "The plan, and what it was run with.", _provenance(Path(folder))))
    return write_html(assemble_page(title, sections), out)


def _settings(cells: Sequence[PlayedCell]) -> list[Setting]:
    grouped = groupby(cells, key=lambda played: (played.cell.names["game"], played.cell.names["partner"]))
    return [Setting(game, partner, tuple(found)) for (game, partner), found in grouped]


def _table(rows: Sequence[dict[str, Any]]) -> str:
    there = [name for name in COLUMNS if any(row[name] is not None for row in rows)]
    header = ["game", "partner", "agent", *(name.replace("_", " ") for name in there), "regret by", "believed by"]
    cells = [
        [
            *(row[name] for name in ("game", "partner", "agent")),
            *(_unbroken(interval_text(row[name])) for name in there),
            *(row[name] or "–" for name in ("estimator", "believed")),
        ]
        for row in rows
    ]
    return table_fragment(header, cells)


def _unbroken(text: str) -> str:
    """A text that a table keeps on one line."""
    return text.replace(" ", "\u00a0")


def _scatter(rows: Sequence[dict[str, Any]]) -> Any:
    """Accuracy across, normalised regret upwards; a marker for each cell that has both."""
    from plotly.graph_objects import Figure, Scatter

    figure = Figure()
    both = [row for row in rows if row["accuracy"] and row["normalised"]]
    for agent in dict.fromkeys(row["agent"] for row in both):
        own = [row for row in both if row["agent"] == agent]
        figure.add_trace(
            Scatter(
                x=[row["accuracy"][0] for row in own],
                y=[row["normalised"][0] for row in own],
                error_x=_bars([row["accuracy"] for row in own]),
                error_y=_bars([row["normalised"] for row in own]),
                mode="markers",
                name=agent,
                text=[f"{row['game']}, {row['partner']}" for row in own],
                hovertemplate="<b>%{fullData.name}</b>, %{text}<br>knows %{x:.3f}<br>loses %{y:.3f}<extra></extra>",
            )
        )
    figure.add_hline(y=1, line={"dash": "dot", "color": "#999999"}, annotation_text="random play")
    figure.update_xaxes(title_text="moves foretold (share)", range=[-0.03, 1.03])
    figure.update_yaxes(title_text="lost, as a share of what random play loses", rangemode="tozero")
    figure.update_layout(
        template="plotly_white",
        height=460,
        margin={"l": 70, "r": 20, "t": 30, "b": 60},
        legend={"orientation": "h", "y": -0.2},
    )
    return figure


def _bars(triples: Sequence[list[float]]) -> dict[str, Any]:
    return {
        "type": "data",
        "symmetric": False,
        "array": [high - value for value, _, high in triples],
        "arrayminus": [value - low for value, low, _ in triples],
        "thickness": 1,
    }


def _bias_table(rows: Sequence[dict[str, Any]]) -> str:
    header = ["agent", "game", "partner", "by", "chosen", "even", "spread of regret"]
    return table_fragment(
        header,
        [
            [
                row["agent"],
                row["game"],
                row["partner"],
                row["by"],
                ", ".join(f"{name} {share:.2f}" for name, share in row["chosen"].items()),
                f"{row['even']:.2f}",
                "–" if row["spread"] is None else f"{row['spread']:.3f}",
            ]
            for row in rows
        ],
    )


def _provenance(folder: Path) -> str:
    """The study's plan and environments as they lie in its folder."""
    files = [file for name in (PLAN_FILE, ENVIRONMENT_FILE) if (file := folder / name).is_file()]
    return "".join(
        f'<details><summary>{file.name}</summary><pre class="scroll">{escape(file.read_text(encoding="utf-8"))}</pre>'
        "</details>"
        for file in files
    )
