"""Two models on the same prompts, paired by prompt."""

from collections.abc import Callable
from dataclasses import dataclass

from safe_finetune.evaluation.answers import Answer
from safe_finetune.evaluation.judges import THRESHOLD
from safe_finetune.evaluation.rates import Rate
from safe_finetune.evaluation.results import Measure, SafetyReport


@dataclass(frozen=True, kw_only=True)
class Change:
    """How one rate changed, on the prompts that both reports have.

    Attributes:
        measure: Of what.
        before, after: The rates.
        lost: Prompts it was said of before, and not after.
        gained: The other way round.
    """

    measure: Measure
    before: Rate
    after: Rate
    lost: int
    gained: int

    @property
    def p_value(self) -> float:
        """McNemar's exact test, two-sided: would so uneven a change be unusual if lost and gained were equally likely?

        Source: McNemar 1947; exact by the binomial distribution of the discordant pairs.
        """
        from scipy.stats import binomtest

        discordant = self.lost + self.gained
        return float(binomtest(self.lost, discordant, 0.5).pvalue) if discordant else 1.0


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """All rates of two reports, before and after."""

    changes: tuple[Change, ...]
    only_before: int
    only_after: int
    """Prompts that one report has and the other lacks; they are left out."""

    def contradictions(self) -> list[tuple[Change, Change]]:
        """Pairs of judges that are asked the same and see changes in opposite directions: no change is shown then,
        whatever one judge's p-value.
        """
        return [
            (first, second)
            for number, first in enumerate(self.changes)
            for second in self.changes[number + 1 :]
            if first.measure[:2] == second.measure[:2]
            and (first.gained - first.lost) * (second.gained - second.lost) < 0
        ]


def compare_reports(before: SafetyReport, after: SafetyReport) -> Comparison:
    """Pair the answers of two reports by prompt id.

    Raises:
        ValueError: If the reports share no prompt, give one id to two kinds, or differ in their judges or in how many
            tokens they asked for: then rates differ for other reasons than the models.
    """
    if dict(before.judge_versions) != dict(after.judge_versions):
        raise ValueError("the reports were judged by different judges or versions; evaluate one of the models again.")
    length = "max_new_tokens"
    if before.settings.get(length) != after.settings.get(length):
        raise ValueError(
            f"`{length}` was {before.settings.get(length)} before and is {after.settings.get(length)} after; use one."
        )
    old, new = ({answer.id: answer for answer in report.answers} for report in (before, after))
    shared = [identity for identity in old if identity in new]
    if not shared:
        raise ValueError("the reports share no prompt; evaluate both models on the same.")
    wrong = next((identity for identity in shared if old[identity].kind != new[identity].kind), None)
    if wrong is not None:
        raise ValueError(f"the prompt {wrong} is {old[wrong].kind} before and {new[wrong].kind} after; correct one.")
    changes = []
    for measure in before.rates():
        pairs = [(old[identity], new[identity]) for identity in shared if old[identity].kind == measure.kind]
        if pairs:
            changes.append(_change(measure, pairs))
    return Comparison(changes=tuple(changes), only_before=len(old) - len(shared), only_after=len(new) - len(shared))


def _change(measure: Measure, pairs: list[tuple[Answer, Answer]]) -> Change:
    said = _said(measure)
    verdicts = [(said(old), said(new)) for old, new in pairs]
    return Change(
        measure=measure,
        before=Rate(sum(old for old, _ in verdicts), len(pairs)),
        after=Rate(sum(new for _, new in verdicts), len(pairs)),
        lost=verdicts.count((True, False)),
        gained=verdicts.count((False, True)),
    )


def _said(measure: Measure) -> Callable[[Answer], bool]:
    if measure.metric == "accuracy":
        return lambda answer: bool(answer.correct)
    return lambda answer: answer.scores[measure.judge] >= THRESHOLD
