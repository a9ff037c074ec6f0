"""The main job end to end: learners and SmolLM2-135M-Instruct against constant and tit-for-tat partners.

Model: de-quantised from the 4 bits of a wheel. Its partner's moves are asked for after a list of them alone, where even
a small model knows them; what it does about it stands beside that in the table.
"""

import time
from pathlib import Path
from typing import Any

from agent_tom.report import write_report
from agent_tom.study.plan import Study
from agent_tom.study.run import run_study
from agent_tom.study.tables import table
from gpu_commons.demo_result import DemoResult
from gpu_commons.table_text import interval_text

MODEL = {
    "name": "language_model",
    "label": "SmolLM2-135M",
    "model": "bundled:smollm2-135m-instruct",
    "prediction": "partner_list",
    "dtype": "float32",
}
_SHOWN = ("accuracy", "regret", "believed_regret", "gap", "normalised")
_READING = (
    "Accuracy is how often the partner's move was foretold; regret is what was lost a round against the best play, and "
    "the gap what was lost though it was known; normalised, 0 is the best play and 1 random play. SmolLM2-135M is small: "
    "what it does says nothing certain about larger models."
)


def run_demo(out: str | Path, *, quick: bool = False) -> str:
    """Play the study, write ``index.html`` and ``result.json`` into ``out``, and return a table for the terminal.

    A demo that was killed goes on where it stopped.

    Args:
        out: Folder.
        quick: Fewer rounds and episodes.

    Raises:
        ImportError: If the model's wheel is missing; the message is the pip line.
    """
    started = time.monotonic()
    study = Study(
        games=["rps", "ipd"],
        partners=["single", "tit_for_tat"],
        agents=["oracle", "uniform", "fictitious_play", "rmax", "type_inference", MODEL],
        horizon=4 if quick else 16,
        episodes=2 if quick else 6,
    )
    folder = Path(out, "study-quick" if quick else "study")
    run_study(study, folder)
    page = write_report(folder, Path(out, "index.html"))
    result = DemoResult(
        title="Who knows its partner, and who acts on it; means over episodes with 95 % intervals",
        header=["game", "partner", "agent", *(name.replace("_", " ") for name in _SHOWN)],
        rows=[_row(row) for row in table(folder)],
        notes=[f"{study.episodes} episodes of {study.horizon} rounds. {_READING}"],
        seconds=time.monotonic() - started,
    )
    return result.leave_beside(page)


def _row(row: dict[str, Any]) -> list[str]:
    return [*(row[name] for name in ("game", "partner", "agent")), *(interval_text(row[name]) for name in _SHOWN)]
