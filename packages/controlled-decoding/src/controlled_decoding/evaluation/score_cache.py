"""Scores already computed, by who computed them and a hash of what was scored."""

import hashlib
import json
from collections.abc import Callable, Hashable, Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

_CHUNK = 256


class ScoreCache:
    """Memory of scores, on disk where a path is given.

    The file holds hashes and numbers, no text; a torn last line, as a kill leaves it, is dropped.

    Args:
        path: JSON Lines file, created at the first score; None keeps scores in memory only.
    """

    def __init__(self, path: str | Path | None = None) -> None:
        self._path = None if path is None else Path(path)
        self._scores: dict[tuple[str, str], Any] = {}
        if self._path is not None and self._path.exists():
            lines = self._path.read_bytes()
            whole = lines[: lines.rfind(b"\n") + 1]
            if len(whole) < len(lines):
                self._path.write_bytes(whole)
            self._scores = {(scorer, item): score for scorer, item, score in map(json.loads, whole.splitlines())}

    def scores(
        self,
        scorer: str,
        items: Sequence[Hashable],
        compute: Callable[[list[Any]], Sequence[Any]],
        *,
        description: str = "scoring",
    ) -> list[Any]:
        """Score of each item, computed for those not seen before, each once.

        Args:
            scorer: Identity of the scorer, such as a judge's sha256.
            items: JSON-like and hashable: texts, or tuples of texts.
            compute: Gives one JSON-like score for each item it gets.
            description: Of the progress bar.

        Raises:
            ValueError: If ``compute`` gives another number of scores than it got items.
        """
        keys = {item: (scorer, hashlib.sha256(json.dumps(item).encode()).hexdigest()[:32]) for item in items}
        missing = [item for item, key in keys.items() if key not in self._scores]
        starts = range(0, len(missing), _CHUNK)
        for start in tqdm(starts, desc=description, unit="chunk", disable=len(starts) < 2):
            chunk = missing[start : start + _CHUNK]
            scores = list(compute(chunk))
            if len(scores) != len(chunk):
                raise ValueError(
                    f"{description} {len(chunk)} texts gave {len(scores)} scores; there must be one for each."
                )
            self._add([(*keys[item], score) for item, score in zip(chunk, scores, strict=True)])
        return [self._scores[keys[item]] for item in items]

    def _add(self, entries: list[tuple[str, str, Any]]) -> None:
        self._scores |= {(scorer, item): score for scorer, item, score in entries}
        if self._path is not None:
            with self._path.open("a", encoding="ascii", newline="\n") as stream:
                stream.writelines(json.dumps(entry) + "\n" for entry in entries)
