"""What was measured, by method and setting: values by fact, their intervals, and tables of them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from memory_llm.facts.interval import Interval, mean_interval


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One method in one setting.

    Attributes:
        method: Its name.
        setting: What it was put to, in numbers, as ``{"told": 128}``.
        fact_ids: The facts that were asked about.
        per_fact: By measure, one value for each of them; NaN where it does not apply to the fact.
    """

    method: str
    setting: Mapping[str, int]
    fact_ids: Sequence[str]
    per_fact: Mapping[str, Sequence[float]]

    @cached_property
    def intervals(self) -> dict[str, Interval]:
        """Mean over facts and 95 % bootstrap interval, by measure."""
        return {measure: mean_interval(values) for measure, values in self.per_fact.items()}


@dataclass(frozen=True, kw_only=True)
class Report:
    """Outcomes of one experiment; reports of several methods add up to one table."""

    outcomes: tuple[Outcome, ...]

    def __add__(self, other: "Report") -> "Report":
        return Report(outcomes=self.outcomes + other.outcomes)

    def to_rows(self) -> list[dict[str, Any]]:
        """One row a measure: method, setting, measure, value, low, high, num_facts; NaN where not measured."""
        return [
            {"method": outcome.method, **outcome.setting, "measure": measure, **interval._asdict()}
            for outcome in self.outcomes
            for measure, interval in outcome.intervals.items()
        ]

    def to_dict(self) -> dict[str, Any]:
        """For JSON: intervals and values by fact; None stands for what is not measured or not finite."""
        return {
            "outcomes": [
                {
                    "method": outcome.method,
                    "setting": dict(outcome.setting),
                    "intervals": {
                        measure: {name: _finite(value) for name, value in interval._asdict().items()}
                        for measure, interval in outcome.intervals.items()
                    },
                    "fact_ids": list(outcome.fact_ids),
                    "per_fact": {
                        measure: [_finite(value) for value in values] for measure, values in outcome.per_fact.items()
                    },
                }
                for outcome in self.outcomes
            ]
        }

    def to_markdown(self) -> str:
        """A table with a row for each outcome and a column for each measure that was taken, as "value [low, high]"."""
        settings = list(dict.fromkeys(name for outcome in self.outcomes for name in outcome.setting))
        measures = list(
            dict.fromkeys(
                measure
                for outcome in self.outcomes
                for measure, interval in outcome.intervals.items()
                if interval.num_facts
            )
        )
        lines = [["method", *settings, *measures], ["---"] * (1 + len(settings) + len(measures))]
        for outcome in self.outcomes:
            cells = [_cell(outcome.intervals.get(measure)) for measure in measures]
            lines.append([outcome.method, *(str(outcome.setting.get(name, "")) for name in settings), *cells])
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(interval: Interval | None) -> str:
    if interval is None or not interval.num_facts:
        return "–"
    if math.isnan(interval.low):
        return f"{interval.value:.3f}"
    return f"{interval.value:.3f} [{interval.low:.3f}, {interval.high:.3f}]"


def _finite(value: float | int) -> float | int | None:
    return value if math.isfinite(value) else None
