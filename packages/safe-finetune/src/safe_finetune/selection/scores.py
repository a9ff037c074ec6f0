"""A score for each row, joined to rows by their ids."""

import json
import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from safe_finetune.rows.row import Row, rows_fingerprint

_METADATA = b"safe_finetune"


@dataclass(frozen=True, kw_only=True)
class SelectorScores:
    """What a scorer says about rows; higher is kept first.

    The released SEAL code applies scores by position to a table from which the scorer had dropped rows; here rows and
    scores meet by id, or not at all.

    Attributes:
        row_ids: Unique.
        logits: What rows are ranked by.
        weights: What rows weigh in training: mean 1 (softmax) or 1 at the start (sigmoid); NaN from scorers that weigh
            nothing.
        last_losses: Nats per token when a row was last seen; NaN where it was not.
        num_visits: How often a row moved its score; 0: it still has its first one.
        last_visit_steps: Optimiser step (from 1) of the last visit; 0: none.
        metadata: ``dataset_fingerprint``, ``tokenizer_fingerprint``, ``model``, ``config``, ``version`` ...; JSON-like.
    """

    row_ids: tuple[str, ...]
    logits: Float[np.ndarray, " rows"]
    weights: Float[np.ndarray, " rows"]
    last_losses: Float[np.ndarray, " rows"]
    num_visits: Int[np.ndarray, " rows"]
    last_visit_steps: Int[np.ndarray, " rows"]
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check that ids are unique and logits are numbers."""
        if len(set(self.row_ids)) != len(self.row_ids):
            raise ValueError(f"`row_ids` must be unique; {len(self.row_ids) - len(set(self.row_ids))} come again")
        if not (finite := np.isfinite(self.logits)).all():
            first = self.row_ids[int(np.flatnonzero(~finite)[0])]
            raise ValueError(
                f"`logits` must be finite; {(~finite).sum()} are not, such as that of row {first!r}; score the rows again"
            )

    @classmethod
    def of_one_pass(
        cls, row_ids: Sequence[str], logits: Any, *, losses: Any = None, **metadata: Any
    ) -> "SelectorScores":
        """Scores of a scorer that looks at every row once."""
        count = len(row_ids)
        return cls(
            row_ids=tuple(row_ids),
            logits=np.asarray(logits, dtype=np.float32),
            weights=np.full(count, np.nan, np.float32),
            last_losses=np.full(count, np.nan, np.float32) if losses is None else np.asarray(losses, np.float32),
            num_visits=np.ones(count, np.int64),
            last_visit_steps=np.zeros(count, np.int64),
            metadata=metadata,
        )

    def select(self, rows: Sequence[Row], *, keep_ratio: float, allow_subset: bool = False) -> list[Row]:
        """The best-scored share of rows, in the rows' order; of equal scores the earlier row is kept.

        Args:
            rows: Those that were scored.
            keep_ratio: In (0, 1]; ``int(keep_ratio * number)`` rows are kept.
            allow_subset: Let rows without score go (such as rows that were too long to be scored: they are not kept),
                and scores without row, and do not compare texts.

        Raises:
            ValueError: If rows and scores do not match; the message says how many.
        """
        if not 0 < keep_ratio <= 1:
            raise ValueError(f"`keep_ratio` must be in (0, 1], got {keep_ratio}")
        if len({row.id for row in rows}) != len(rows):
            raise ValueError("`rows` must have unique ids; were two sets joined that share some?")
        at = {row_id: index for index, row_id in enumerate(self.row_ids)}
        scored = [row for row in rows if row.id in at]
        if not allow_subset:
            self._check_same(rows, scored)
        if not scored:
            raise ValueError(f"none of the {len(rows)} rows has a score; were other rows scored?")
        indices = np.array([at[row.id] for row in scored])
        if unvisited := int((self.num_visits[indices] == 0).sum()):
            warnings.warn(
                f"{unvisited} of {len(scored)} rows were never visited and have the score they began with; train longer.",
                stacklevel=2,
            )
        best = np.argsort(-self.logits[indices], kind="stable")[: int(keep_ratio * len(scored) + 1e-9)]
        return [scored[place] for place in sorted(best)]

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write a Parquet file, aside, and rename it; ids, columns and metadata come back by :meth:`load`."""
        import pyarrow
        import pyarrow.parquet

        target = Path(path).expanduser()
        if target.suffix != ".parquet":
            raise ValueError(f"{target}: scores are written as .parquet, not as {target.suffix!r}")
        target.parent.mkdir(parents=True, exist_ok=True)
        columns = {"row_id": list(self.row_ids), **{name: getattr(self, attribute) for name, attribute in _COLUMNS}}
        table = pyarrow.table(columns).replace_schema_metadata({_METADATA: json.dumps(dict(self.metadata))})
        aside = target.with_name(f"{target.name}.partial")
        try:
            pyarrow.parquet.write_table(table, aside)
            os.replace(aside, target)
        finally:
            aside.unlink(missing_ok=True)  # of a table that broke off
        return target

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "SelectorScores":
        """Read what :meth:`save` wrote.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If it holds no scores.
        """
        import pyarrow
        import pyarrow.parquet

        source = Path(path).expanduser()
        if not source.is_file():
            raise FileNotFoundError(f"no scores at {source.absolute()}")
        try:
            table = pyarrow.parquet.read_table(source)
            metadata = json.loads(table.schema.metadata[_METADATA])
            columns = {attribute: table[name].to_numpy() for name, attribute in _COLUMNS}
        except (pyarrow.ArrowInvalid, KeyError, TypeError):
            raise ValueError(f"{source} holds no scores that SelectorScores.save has written") from None
        return cls(row_ids=tuple(table["row_id"].to_pylist()), metadata=metadata, **columns)

    def _check_same(self, rows: Sequence[Row], scored: Sequence[Row]) -> None:
        without_score, without_row = len(rows) - len(scored), len(self.row_ids) - len(scored)
        if without_score or without_row:
            raise ValueError(
                f"{without_score} of {len(rows)} rows have no score and {without_row} of {len(self.row_ids)} scores have "
                "no row; score these rows, or set `allow_subset=True` to choose among the rows that have a score."
            )
        fingerprint = self.metadata.get("dataset_fingerprint")
        if fingerprint is not None and fingerprint != rows_fingerprint(rows):
            raise ValueError(
                "the rows have the ids but not the texts that were scored; score them again, or set `allow_subset=True` "
                "if the change does not matter."
            )


_COLUMNS = (
    ("logit", "logits"),
    ("weight", "weights"),
    ("last_loss", "last_losses"),
    ("num_visits", "num_visits"),
    ("last_visit_step", "last_visit_steps"),
)
