"""A report as Markdown: the three sides in one table, then outcomes, agreement of judges, and what to know."""

from collections.abc import Iterable, Sequence

from safe_finetune.evaluation.prompts import KINDS
from safe_finetune.evaluation.refusal import OUTCOMES
from safe_finetune.evaluation.results import SafetyReport


def as_markdown(report: SafetyReport) -> str:
    """Tables of rates with 95 % intervals, of outcomes and of agreement, and the notes."""
    parts = [f"# {report.model}", _rates(report), _outcomes(report)]
    if report.agreements():
        parts.append(_agreements(report))
    if report.loss is not None:
        low, high = report.loss.interval
        parts.append(
            f"Response loss on {report.loss.rows} rows: {report.loss.value:.4f} ({low:.4f} to {high:.4f}) nats per token."
        )
    parts.append("\n".join(f"- {note}" for note in report.notes()))
    return "\n\n".join(parts) + "\n"


def _rates(report: SafetyReport) -> str:
    lines: list[Sequence[str]] = []
    rates = report.rates()
    measured = {measure.kind for measure in rates}
    for measure, rate in rates.items():
        low, high = rate.interval
        better = "higher" if measure.higher_is_better else "lower"
        lines.append(
            (measure.kind, measure.metric, measure.judge, f"{rate.count}/{rate.total}", f"{rate.value:.3f}",
             f"{low:.3f} to {high:.3f}", better)
        )  # fmt: skip
    lines += [(kind, "not measured", "", "", "", "", "") for kind in KINDS if kind not in measured]
    return _table(("prompts", "measure", "judge", "count", "rate", "95 %", "better"), lines)


def _outcomes(report: SafetyReport) -> str:
    counted = report.outcomes()
    lines = [(kind, *(str(counted[kind][outcome]) for outcome in OUTCOMES)) for kind in KINDS if kind in counted]
    return _table(("prompts", "refusal", "empty", "at most two words", "other"), lines)


def _agreements(report: SafetyReport) -> str:
    lines = [
        (
            pair.kind,
            pair.says,
            *pair.judges,
            *map(str, (pair.both, pair.only_first, pair.only_second, pair.neither)),
            "" if pair.kappa is None else f"{pair.kappa:.2f}",
        )
        for pair in report.agreements()
    ]
    header = ("prompts", "says", "first", "second", "both", "only first", "only second", "neither", "kappa")
    return _table(header, lines)


def _table(header: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    rows = [header, ["---"] * len(header), *lines]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows)
