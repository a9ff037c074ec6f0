"""One game against one partner at a time: curves, moves, what was lost when, and the rounds that cost most."""

from collections.abc import Sequence
from html import escape
from importlib.resources import files
from typing import Any, NamedTuple

import numpy as np

from agent_tom.report.transcript import prompt_of
from agent_tom.study.curves import cumulative_regret, horizon_rows
from agent_tom.study.played import PlayedCell
from gpu_commons.page import json_for_script, table_fragment

WORST_OF_AGENT = 3
_LAST_MOVES = 10


class Setting(NamedTuple):
    """A game, a partner, and the cells of all agents in it."""

    game: str
    partner: str
    cells: tuple[PlayedCell, ...]


def settings_fragment(settings: Sequence[Setting]) -> str:
    """A ``<div>`` with its own data, style and script; plotly's script must be on the page before it."""
    rows = [horizon_rows(setting.cells) for setting in settings]
    data = json_for_script([_pictured(setting, lost) for setting, lost in zip(settings, rows, strict=True)])
    choices = "".join(
        f'<option value="{number}">{escape(f"{one.game} against {one.partner}")}</option>'
        for number, one in enumerate(settings)
    )
    told = "".join(
        f'<div data-setting="{number}" hidden>{_lost_table(lost)}{_worst_rounds(setting)}</div>'
        for number, (setting, lost) in enumerate(zip(settings, rows, strict=True))
    )
    return "\n".join(
        [
            '<div class="settings-view">',
            f"<style>\n{_resource('settings.css')}</style>",
            f"<p><label>Game and partner <select>{choices}</select></label></p>",
            '<div class="curves"></div><div class="moves"></div>',
            told,
            f'<script type="application/json">{data}</script>',
            f"<script>\n{_resource('settings.js')}</script>",
            "</div>",
        ]
    )


def _pictured(setting: Setting, lost: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What the script draws; three digits are more than a screen shows."""
    crossovers = {row["agent"]: row["crossover"] for row in lost}
    agents = []
    for played in setting.cells:
        name, curve = played.cell.names["agent"], cumulative_regret(played)
        agents.append(
            {
                "name": name,
                "lost": [] if curve is None else np.round(curve, 3).tolist(),
                "crossover": crossovers.get(name),
                "moves": np.round(_shares(played), 3).T.tolist(),
            }
        )
    return {"actions": list(setting.cells[0].game.actions), "agents": agents}


def _shares(played: PlayedCell) -> np.ndarray:
    """Of each action in each round, over episodes."""
    return np.eye(played.game.num_actions)[played.episodes.actions].mean(0)


def _lost_table(rows: Sequence[dict[str, Any]]) -> str:
    if not rows:
        return "<p>The best play is not known, and no reference return is declared: there is no regret.</p>"
    ends = list(rows[0]["lost_by"])
    header = ["agent", *(f"lost by round {end}" for end in ends), "behind the learner from round"]
    cells = [
        [row["agent"], *(f"{row['lost_by'][end]:.2f}" for end in ends), str(row["crossover"] or "–")] for row in rows
    ]
    return table_fragment(header, cells)


def _worst_rounds(setting: Setting) -> str:
    """Folded texts, the costliest first of each agent; none of what loses nothing."""
    found = [
        _worst_round(played, row, now, lost)
        for played in setting.cells
        if played.regret is not None
        for row, now, lost in _costliest(played.regret)
    ]
    return f"<h3>Rounds that cost most</h3>{''.join(found)}" if found else ""


def _costliest(regret: np.ndarray) -> list[tuple[int, int, float]]:
    """Row, round and size of the largest losses, each of another episode."""
    losses = regret.max(1)
    rows = [int(row) for row in np.argsort(-losses, kind="stable")[:WORST_OF_AGENT] if losses[row] > 1e-9]
    return [(row, int(regret[row].argmax()), float(losses[row])) for row in rows]


def _worst_round(played: PlayedCell, row: int, now: int, lost: float) -> str:
    episodes, game = played.episodes, played.game
    chose, other = game.actions[episodes.actions[row, now]], game.partner_actions[episodes.partner_actions[row, now]]
    title = (
        f"{played.cell.names['agent']}, episode {episodes.numbers[row]}, round {now + 1}: chose {chose}, the partner "
        f"{other}; {lost:.2f} lost"
    )
    lines = [_moves(played, row, now), f"chances of a move: {_dist(game.actions, episodes.action_dists[row, now])}"]
    if episodes.predictions is not None:
        lines.append(f"foretold of the partner: {_dist(game.partner_actions, episodes.predictions[row, now])}")
    prompt = prompt_of(played, row, now)
    asked = "" if prompt is None else f"<pre>{escape(prompt)}</pre>"
    told = "".join(f"<p>{escape(line)}</p>" for line in lines)
    return f'<details class="worst"><summary>{escape(title)}</summary>{told}{asked}</details>'


def _moves(played: PlayedCell, row: int, now: int) -> str:
    first = max(0, now - _LAST_MOVES)
    if first == now:
        return "the first round"
    own, others = played.episodes.actions[row, first:now], played.episodes.partner_actions[row, first:now]
    pairs = zip(own.tolist(), others.tolist(), strict=True)
    told = ", ".join(f"{played.game.actions[one]}/{played.game.partner_actions[other]}" for one, other in pairs)
    return f"rounds {first + 1} to {now} (own/partner): {told}"


def _dist(names: Sequence[str], dist: np.ndarray) -> str:
    return ", ".join(f"{name} {chance:.2f}" for name, chance in zip(names, dist.tolist(), strict=True))


def _resource(name: str) -> str:
    return files("agent_tom.report").joinpath(name).read_text(encoding="utf-8")
