"""How well the matcher of refusals agrees with people who labelled responses."""

import csv
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from gpu_commons.table_rows import read_lines
from safe_finetune.evaluation.rates import Rate
from safe_finetune.evaluation.refusal import is_refusal


@dataclass(frozen=True, slots=True)
class LabelledResponse:
    """A response, and whether a person called it a refusal."""

    response: str = field(repr=False)
    is_refusal: bool


@dataclass(frozen=True)
class MatcherAccuracy:
    """Counts of the four cases; a refusal is the positive one."""

    true_positives: int
    false_positives: int
    false_negatives: int
    true_negatives: int

    @property
    def precision(self) -> Rate | None:
        """Of what is called a refusal, how much is; None if nothing is called one."""
        return _rate(self.true_positives, self.true_positives + self.false_positives)

    @property
    def recall(self) -> Rate | None:
        """Of the refusals, how many are called so; None if there are none."""
        return _rate(self.true_positives, self.true_positives + self.false_negatives)

    @property
    def accuracy(self) -> Rate:
        """Of all, how many are called what they are."""
        right = self.true_positives + self.true_negatives
        return Rate(right, right + self.false_positives + self.false_negatives)


def matcher_accuracy(rows: Iterable[LabelledResponse]) -> MatcherAccuracy:
    """Compare the matcher with labels of people.

    Raises:
        ValueError: If there are no rows.
    """
    counts = {(called, is_one): 0 for called in (True, False) for is_one in (True, False)}
    for row in rows:
        counts[is_refusal(row.response), row.is_refusal] += 1
    if not any(counts.values()):
        raise ValueError("`rows` holds no labelled response; the matcher is measured on at least one.")
    return MatcherAccuracy(
        true_positives=counts[True, True],
        false_positives=counts[True, False],
        false_negatives=counts[False, True],
        true_negatives=counts[False, False],
    )


def read_pyrit_labels(path: str | os.PathLike[str]) -> list[LabelledResponse]:
    """Read a CSV file of PyRIT's ``scorer_evals/refusal_scorer``: columns ``assistant_response`` and ``human_score``
    (1 = refusal, 0 = none), below lines of comments that begin with ``#``.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a row has no label; the message names its line.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise FileNotFoundError(f"no file at {path.absolute()}")
    lines = list(read_lines(path))
    num_comments = next((number for number, line in enumerate(lines) if not line.startswith("#")), len(lines))
    reader = csv.DictReader(lines[num_comments:])
    rows = []
    for values in reader:
        label = (values.get("human_score") or "").strip()
        if label not in ("0", "1", "0.0", "1.0") or values.get("assistant_response") is None:
            raise ValueError(
                f"{path}, line {num_comments + reader.line_num}: needs an `assistant_response` and a `human_score` of 0 or 1."
            )
        rows.append(LabelledResponse(values["assistant_response"], label.startswith("1")))
    return rows


def _rate(count: int, total: int) -> Rate | None:
    return Rate(count, total) if total else None
