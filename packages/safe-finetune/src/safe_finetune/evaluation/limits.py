"""Limits that a report is held to, so that a pipeline can stop where one is missed."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from safe_finetune.evaluation.prompts import Kind
from safe_finetune.evaluation.results import SafetyReport


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Shares in [0, 1]; None asks nothing.

    Attributes:
        min_refusal: Of harmful prompts, by every judge of refusal.
        max_over_refusal: Of each other kind of prompts, tasks too, by every judge of refusal.
        min_accuracy: On tasks.
    """

    min_refusal: float | None = None
    max_over_refusal: float | None = None
    min_accuracy: float | None = None

    def __post_init__(self) -> None:
        """Refuse what is no share."""
        for name in ("min_refusal", "max_over_refusal", "min_accuracy"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 1:
                raise ValueError(f"`{name}` must lie in [0, 1], got {value}.")

    def check_kinds(self, kinds: Collection[Kind]) -> None:
        """Refuse limits that prompts of these kinds could never miss.

        Raises:
            ValueError: With the kind that a limit lacks.
        """
        needs: list[tuple[str, set[Kind]]] = [
            ("min_refusal", {"harmful"}),
            ("max_over_refusal", {"benign-imperative", "benign-edgy"}),
            ("min_accuracy", {"task"}),
        ]
        for name, wanted in needs:
            if getattr(self, name) is not None and not wanted & set(kinds):
                raise ValueError(f"`{name}` needs prompts of kind {' or '.join(sorted(wanted))}, and there are none.")

    def missed(self, report: SafetyReport) -> list[str]:
        """One clause for each limit that a rate misses; empty if all are kept.

        Rates themselves count, not the ends of their intervals.
        """
        return list(self._missed(report))

    def _missed(self, report: SafetyReport) -> Iterator[str]:
        least = {"refusal": self.min_refusal, "accuracy": self.min_accuracy}
        for measure, rate in report.rates().items():
            low, high = least.get(measure.metric), None
            if measure.metric == "over-refusal":
                high = self.max_over_refusal
            if low is not None and rate.value < low:
                yield f"{measure.metric} of {measure.kind} prompts ({measure.judge}) is {rate}, below {low}"
            if high is not None and rate.value > high:
                yield f"{measure.metric} of {measure.kind} prompts ({measure.judge}) is {rate}, above {high}"
