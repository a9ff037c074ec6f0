"""The result of an evaluation: a table for people, figures for run records, JSON for later."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from controlled_decoding.evaluation.bootstrap import Interval
from controlled_decoding.evaluation.summary import DISTINCT_ORDERS, JUDGE_MEASURES, MeasureSummary
from gpu_commons.records import Figure
from gpu_commons.write_aside import write_text_aside

FORMAT_VERSION = 1
_HIGHER_IS_BETTER = frozenset(f"distinct_{order}" for order in DISTINCT_ORDERS)
_COST_HEADINGS = ("CPU ms/token", "wall ms/token", "peak memory GiB")
_HEADINGS = {"repetition": "rep-4", "tokens": "tokens", "characters": "characters"} | {
    f"distinct_{n}": f"dist-{n}" for n in DISTINCT_ORDERS
}


@dataclass(frozen=True, kw_only=True)
class JudgeIdentity:
    """Which judge it was: name, version, and sha256 of what decides its scores."""

    name: str
    version: str
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Price of a method's samples: median over batches of milliseconds per generated token, and the largest peak memory
    in bytes.
    """

    cpu_ms_per_token: float
    wall_ms_per_token: float
    peak_memory_bytes: int | None


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """What :func:`~controlled_decoding.evaluation.evaluate.evaluate` found. It holds no text.

    Attributes:
        baseline: Name of the method that differences and ratios are taken against.
        judges: The judges, in the order of the table.
        language_models: Names of the models that measured perplexity, the sampled model first.
        summaries: By method and key of the measure, as
            :meth:`controlled_decoding.evaluation.summary.ScoredSamples.measures` lists them.
        costs: By method.
        settings: Numbers of prompts and samples, seeds, sampling, model fingerprints.
    """

    baseline: str
    judges: list[JudgeIdentity]
    language_models: list[str]
    summaries: Mapping[str, Mapping[str, MeasureSummary]]
    costs: Mapping[str, Cost]
    settings: Mapping[str, Any]

    def to_markdown(self) -> str:
        """Two tables with a column for each method: values, and distances from the baseline with 95 % intervals."""
        methods, keys = list(self.summaries), self._keys()
        values = [["measure", *methods]]
        for key in keys:
            values.append(
                [self._heading(key), *(_number(self.summaries[method][key].value.value) for method in methods)]
            )
        costs = [_cost_cells(self.costs[method]) for method in methods]
        values += [list(row) for row in zip(_COST_HEADINGS, *costs, strict=True)]
        parts = [_table(values)]
        others = [method for method in methods if method != self.baseline]
        if others:
            distances = [[f"against {self.baseline}", *others]]
            for key in keys:
                if key.endswith(("/mean", "/toxic_rate")):
                    cells = [_interval(self.summaries[method][key].difference) for method in others]
                    distances.append([f"difference of {self._heading(key)}", *cells])
                if key.endswith("/toxic_rate") or key.startswith("perplexity/"):
                    distances.append(
                        [
                            f"ratio of {self._heading(key)}",
                            *(_interval(self.summaries[method][key].ratio) for method in others),
                        ]
                    )
            parts.append(_table(distances))
        judges = "; ".join(f"{judge.name} {judge.version} (sha256 {judge.sha256[:12]})" for judge in self.judges)
        return "\n\n".join([*parts, f"Judges: {judges}."]) + "\n"

    def to_figures(self) -> list[Figure]:
        """Figures for ``gpu_commons.records.write_record``: values with the baseline's beside them, then differences
        and ratios.

        What could not be measured (a ratio to a rate of 0) is left out.
        """
        figures: list[Figure] = []
        for method, measures in self.summaries.items():
            for key, summary in measures.items():
                base = None if method == self.baseline else self.summaries[self.baseline][key].value.value
                forms = (
                    ("", summary.value, base),
                    ("difference of ", summary.difference, 0.0),
                    ("ratio of ", summary.ratio, 1.0),
                )
                for form, interval, reference in forms:
                    if interval is not None and all(map(math.isfinite, interval)):
                        figures.append(_figure(f"{method}, {form}{self._heading(key)}", key, interval, reference))
            cost, base_cost = self.costs[method], self.costs[self.baseline]
            for name in ("cpu_ms_per_token", "wall_ms_per_token"):
                label = f"{method}, {name.split('_')[0]} time per token"
                figures.append(
                    Figure(
                        id=label,
                        value=getattr(cost, name),
                        unit="ms",
                        better="lower",
                        baseline=getattr(base_cost, name),
                    )
                )
        return figures

    def save(self, path: str | Path) -> None:
        """Write everything as JSON; NaN becomes null."""
        write_text_aside(json.dumps(_without_nan(self.to_record()), indent=2, allow_nan=False) + "\n", path)

    def to_record(self) -> dict[str, Any]:
        """Everything as JSON-like data, for instance for the ``extra`` of a run record."""
        return {"format_version": FORMAT_VERSION, **asdict(self)}

    @classmethod
    def load(cls, path: str | Path) -> "Evaluation":
        """Read what :meth:`save` wrote.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If it is not an evaluation of this format.
        """
        path = Path(path)
        if not path.is_file():
            raise FileNotFoundError(f"no evaluation at {path.absolute()}")
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            if record.pop("format_version") != FORMAT_VERSION:
                raise KeyError("format_version")
            record["judges"] = [JudgeIdentity(**judge) for judge in record["judges"]]
            record["costs"] = {method: Cost(**cost) for method, cost in record["costs"].items()}
            record["summaries"] = {
                method: {key: _read_summary(summary) for key, summary in measures.items()}
                for method, measures in record["summaries"].items()
            }
            return cls(**record)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise ValueError(
                f"{path} is not an evaluation of format {FORMAT_VERSION}; run the evaluation again."
            ) from None

    def _keys(self) -> list[str]:
        return list(self.summaries[self.baseline])

    def _heading(self, key: str) -> str:
        scope, _, measure = key.rpartition("/")
        if scope == "perplexity":
            return f"perplexity by {measure}"
        return f"{JUDGE_MEASURES[measure]} by {scope}" if scope else _HEADINGS[key]


def _figure(label: str, key: str, interval: Interval, baseline: float | None) -> Figure:
    return Figure(
        id=label,
        value=interval.value,
        interval=(interval.low, interval.high),
        unit={"tokens": "tokens", "characters": "characters"}.get(key, "") if " ratio of " not in label else "ratio",
        better="higher" if key in _HIGHER_IS_BETTER else "lower",
        baseline=baseline if baseline is not None and math.isfinite(baseline) else None,
    )


def _read_summary(summary: dict[str, Any]) -> MeasureSummary:
    def interval(name: str) -> Interval | None:
        ends = summary[name]
        return None if ends is None else Interval(*(math.nan if end is None else end for end in ends))

    value = interval("value")
    if value is None:
        raise ValueError("a measure has no value")
    return MeasureSummary(value=value, difference=interval("difference"), ratio=interval("ratio"))


def _without_nan(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _number(value: float) -> str:
    return "n/a" if math.isnan(value) else f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"


def _interval(interval: Interval | None) -> str:
    if interval is None or math.isnan(interval.value):
        return "n/a"
    return f"{interval.value:.3f} [{interval.low:.3f}, {interval.high:.3f}]"


def _cost_cells(cost: Cost) -> list[str]:
    memory = "n/a" if cost.peak_memory_bytes is None else f"{cost.peak_memory_bytes / 2**30:.2f}"
    return [f"{cost.cpu_ms_per_token:.2f}", f"{cost.wall_ms_per_token:.2f}", memory]


def _table(rows: list[list[str]]) -> str:
    header, *body = rows
    return "\n".join("| " + " | ".join(row) + " |" for row in [header, ["---"] * len(header), *body])
