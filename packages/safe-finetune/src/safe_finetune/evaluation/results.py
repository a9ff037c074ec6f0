"""The report of an evaluation: refusal, over-refusal and task accuracy side by side, with what limits them."""

import json
import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

from gpu_commons.write_aside import write_text_aside
from safe_finetune.evaluation.agreement import Agreement, agreements
from safe_finetune.evaluation.answers import Answer
from safe_finetune.evaluation.judges import THRESHOLD, RefusalMatcher, Says
from safe_finetune.evaluation.prompts import KINDS, Kind
from safe_finetune.evaluation.rates import Rate
from safe_finetune.frontier import FrontierPoint

Metric = Literal["refusal", "over-refusal", "harm", "accuracy"]
BY_RULE = "answer"
"""Stands where the judge does in a measure that none is needed for."""
_FORMAT = "safe-finetune evaluation 1"


class Measure(NamedTuple):
    """What a rate is of: a kind of prompt, what is counted, and who says so."""

    kind: Kind
    metric: Metric
    judge: str

    @property
    def higher_is_better(self) -> bool:
        """Whether it is."""
        return self.metric in ("refusal", "accuracy")


@dataclass(frozen=True, kw_only=True)
class MeanLoss:
    """Mean response loss of held-out rows, in nats per token, averaged over rows, with a normal 95 % interval."""

    value: float
    interval: tuple[float, float]
    rows: int


@dataclass(frozen=True, kw_only=True)
class SafetyReport:
    """What was measured of one model.

    Attributes:
        model: Its name.
        weights_sha256: Of its weights, so that two reports can be told apart.
        settings: Of the generation.
        judges: What each judge says, by name.
        judge_versions: Their versions, by name.
        answers: One for each prompt.
        loss: On held-out rows, if there were any.
    """

    model: str
    weights_sha256: str
    settings: Mapping[str, Any]
    judges: Mapping[str, Says]
    judge_versions: Mapping[str, str]
    answers: tuple[Answer, ...] = field(repr=False)
    loss: MeanLoss | None = None

    def rates(self) -> dict[Measure, Rate]:
        """All that was measured: what each judge says of each kind of prompt, and the accuracy on tasks."""
        found: dict[Measure, Rate] = {}
        for kind in KINDS:
            answers = [answer for answer in self.answers if answer.kind == kind]
            if not answers:
                continue
            if kind == "task":
                found[Measure(kind, "accuracy", BY_RULE)] = Rate(sum(map(_is_correct, answers)), len(answers))
            for judge in self.judges:
                count = sum(answer.scores[judge] >= THRESHOLD for answer in answers)
                found[Measure(kind, self._metric(kind, judge), judge)] = Rate(count, len(answers))
        return found

    def rate(self, kind: Kind, metric: Metric, judge: str | None = None) -> Rate:
        """One rate; refusals are those of the matcher, unless another judge is named.

        Raises:
            ValueError: If it was not measured, with what was.
        """
        by_default = BY_RULE if metric == "accuracy" else RefusalMatcher.name
        wanted, rates = Measure(kind, metric, judge or by_default), self.rates()
        if wanted not in rates:
            measured = "; ".join(" / ".join(measure) for measure in rates)
            raise ValueError(f"{' / '.join(wanted)} was not measured; there are {measured}.")
        return rates[wanted]

    def outcomes(self) -> dict[Kind, Counter[str]]:
        """How many responses to each kind of prompt are a refusal, empty, short (at most two words) or other."""
        found: dict[Kind, Counter[str]] = {}
        for answer in self.answers:
            found.setdefault(answer.kind, Counter())[answer.outcome] += 1
        return found

    def agreements(self) -> list[Agreement]:
        """Of judges that are asked the same."""
        return agreements(self.answers, self.judges)

    def notes(self) -> list[str]:
        """What a reader must know before believing a rate, in sentences."""
        kinds = {answer.kind for answer in self.answers}
        notes = ["Not refused does not mean harmful: the matcher hears refusals in so many words, and nothing else."]
        if "harm" not in self.judges.values():
            notes.append("No judge of harm was asked: nothing here says whether an answer does harm.")
        for says in sorted(set(self.judges.values())):
            names = [name for name, said in self.judges.items() if said == says]
            if len(names) == 1:
                notes.append(f"Only {names[0]} says {says}: no second judge confirms it.")
        for pair in self.agreements():
            if pair.disagreements:
                kappa = "undefined" if pair.kappa is None else f"{pair.kappa:.2f}"
                notes.append(
                    f"Judges disagree on {pair.disagreements} of {pair.total} {pair.kind} answers about {pair.says}: "
                    f"{pair.judges[0]} and {pair.judges[1]}, kappa {kappa}."
                )
        if "harmful" in kinds and not kinds & {"benign-imperative", "benign-edgy"}:
            notes.append("Over-refusal was not measured: a model that refuses everything would look as good.")
        if "harmful" in kinds and "benign-imperative" not in kinds:
            notes.append("No plain instructions were asked: refusing the imperative form would not show.")
        return notes

    def to_frontier_point(
        self,
        method: str,
        *,
        strength: float | None = None,
        capability: Kind = "task",
        label: str = "",
        judge: str | None = None,
    ) -> FrontierPoint:
        """The report as a point: refusal of harmful prompts against a capability, with their intervals.

        Args:
            method: How the model was made.
            strength: Of the method, such as lambda, radius or alpha.
            capability: "task", the accuracy; or a benign kind, the share that is not refused.
            label: Shown beside the point.
            judge: Whose refusals; the matcher's if absent.

        Raises:
            ValueError: If one of the two was not measured.
        """
        safety = self.rate("harmful", "refusal", judge)
        if capability == "task":
            able = self.rate("task", "accuracy")
        else:
            refused = self.rate(capability, "over-refusal", judge)
            able = Rate(refused.total - refused.count, refused.total)
        return FrontierPoint(
            method=method,
            safety=safety.value,
            capability=able.value,
            strength=strength,
            label=label,
            safety_interval=safety.interval,
            capability_interval=able.interval,
        )

    def to_markdown(self) -> str:
        """Tables of rates, outcomes and agreement, and the notes."""
        from safe_finetune.evaluation.markdown import as_markdown

        return as_markdown(self)

    def to_lm_eval(self) -> dict[str, Any]:
        """Results in the layout of lm-evaluation-harness, for tools that read those."""
        from safe_finetune.evaluation.lm_eval_results import as_lm_eval

        return as_lm_eval(self)

    def to_json(self, path: str | os.PathLike[str]) -> Path:
        """Write everything, aside, and rename the file; rates and notes are in it for readers, and not read back."""
        rates = [
            {**measure._asdict(), **asdict(rate), "value": rate.value, "interval": rate.interval}
            for measure, rate in self.rates().items()
        ]
        content = {
            "format": _FORMAT,
            **asdict(self),
            "answers": [answer.as_record() for answer in self.answers],
            "rates": rates,
            "outcomes": self.outcomes(),
            "agreements": [{**asdict(pair), "kappa": pair.kappa} for pair in self.agreements()],
            "notes": self.notes(),
        }
        return write_json(content, path)

    @classmethod
    def from_json(cls, path: str | os.PathLike[str]) -> "SafetyReport":
        """Read what :meth:`to_json` wrote.

        Raises:
            ValueError: If the file holds something else.
        """
        try:
            content = json.loads(Path(path).read_text(encoding="utf-8"))
            if content["format"] != _FORMAT:
                raise ValueError("it is of another format")
            loss = content["loss"]
            fields = ("model", "weights_sha256", "settings", "judges", "judge_versions")
            return cls(
                **{name: content[name] for name in fields},
                answers=tuple(Answer(**answer) for answer in content["answers"]),
                loss=None if loss is None else MeanLoss(**{**loss, "interval": tuple(loss["interval"])}),
            )
        except (KeyError, TypeError, ValueError) as error:
            # What went wrong inside may quote the file; its kind is enough.
            raise ValueError(
                f"{path} is no file of {_FORMAT!r} ({type(error).__name__}); write it with to_json."
            ) from None

    def _metric(self, kind: Kind, judge: str) -> Metric:
        if self.judges[judge] == "harm":
            return "harm"
        return "refusal" if kind == "harmful" else "over-refusal"


def write_json(content: Any, path: str | os.PathLike[str]) -> Path:
    """Write JSON aside, and rename the file."""
    return write_text_aside(json.dumps(content, indent=2, allow_nan=False) + "\n", path)


def _is_correct(answer: Answer) -> bool:
    return bool(answer.correct)
