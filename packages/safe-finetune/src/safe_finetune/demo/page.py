"""The demo's page and its main table: numbers alone, no prompt and no answer."""

from collections.abc import Sequence

import numpy as np

from gpu_commons.page import Section, assemble_page, table_fragment
from safe_finetune.evaluation import SafetyReport
from safe_finetune.evaluation.prompts import Kind
from safe_finetune.evaluation.results import Metric
from safe_finetune.frontier import Frontier
from safe_finetune.frontier.picture import frontier_fragment
from safe_finetune.rows import Row
from safe_finetune.selection import SelectorScores

MEASURED: dict[str, tuple[Kind, Metric]] = {
    "harmful refused": ("harmful", "refusal"),
    "instructions refused": ("benign-imperative", "over-refusal"),
    "edgy questions refused": ("benign-edgy", "over-refusal"),
    "orders right": ("task", "accuracy"),
}
CAPTION = "Rates with 95 % intervals over prompts"
_CAUTION = (
    "Refusals are explicit ones: what is not refused need not be harmful, and a model that refuses harmless requests "
    "too has learnt little. One seed on a 135M model shows the mechanism; it says nothing certain about larger ones."
)


def demo_page(
    rows: Sequence[Row],
    scores: SelectorScores,
    kept: Sequence[Row],
    reports: Sequence[tuple[str, SafetyReport]],
    frontier: Frontier,
) -> str:
    """A whole page."""
    table = report_rows(reports)
    return assemble_page(
        "Fine-tuning an aligned model, and what it costs",
        [
            Section(
                "Rows scored",
                "Orders, and among them harmful prompts with answers. A row's score is minus its loss under the aligned "
                "model after a few steps on trusted rows; the best-scored share is kept.",
                table_fragment(*_selection(rows, scores, kept)),
            ),
            Section(
                "Fine-tuned with and without safety, and merged",
                about(reports),
                table_fragment(table[0], table[1:], caption=CAPTION),
            ),
            Section(
                "The price of safety",
                "From the model trained on all rows (0) to the aligned one (1) by merging, and training with safety rows "
                "beside it. Upper right is better; filled markers are dominated by no other.",
                frontier_fragment(frontier, include_js=True),
            ),
        ],
    )


def about(reports: Sequence[tuple[str, SafetyReport]]) -> str:
    """What was asked, and what the rates do not say."""
    return f"{len(reports[0][1].answers)} prompts, none of which was trained on. {_CAUTION}"


def report_rows(reports: Sequence[tuple[str, SafetyReport]]) -> list[list[str]]:
    """Header, and one row a model."""
    rows = [["model", *MEASURED]]
    for name, report in reports:
        rates = [report.rate(kind, metric) for kind, metric in MEASURED.values()]
        rows.append([name, *(f"{rate.value:.0%} [{rate.interval[0]:.0%}, {rate.interval[1]:.0%}]" for rate in rates)])
    return rows


def _selection(rows: Sequence[Row], scores: SelectorScores, kept: Sequence[Row]) -> tuple[list[str], list[list[str]]]:
    """What was kept of each kind of row, by the beginning of its id."""
    of_row = dict(zip(scores.row_ids, scores.logits.tolist(), strict=True))
    kept_ids = {row.id for row in kept}
    table = []
    for kind in dict.fromkeys(row.id.split("-")[0] for row in rows):
        ids = [row.id for row in rows if row.id.startswith(f"{kind}-")]
        middle = float(np.median([of_row[row_id] for row_id in ids]))
        table.append([kind, str(len(ids)), f"{middle:.2f}", str(len(kept_ids.intersection(ids)))])
    return ["kind of row", "rows", "median score", "kept"], table
