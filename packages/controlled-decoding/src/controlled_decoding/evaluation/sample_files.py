"""The files of a sampling run: whole batches only, whatever moment the run is killed at.

``samples.jsonl`` holds only what the settings determine, and comes out byte by byte the same whether the run was
interrupted or not; times and memory, which differ from run to run, go to ``timings.jsonl``. The samples carry the
suffix ``.partial`` until the last batch is in.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

SAMPLES_FILE, TIMINGS_FILE, PLAN_FILE = "samples.jsonl", "timings.jsonl", "samples.plan.json"


@dataclass(frozen=True, slots=True)
class Sample:
    """One continuation: by which method and seed, of which prompt, its 0-based number, its tokens before the end token,
    its text.
    """

    method: str
    seed: int
    prompt_id: str
    index: int
    tokens: int
    text: str


@dataclass(frozen=True, slots=True)
class BatchTiming:
    """Cost of generating one batch: CPU and wall milliseconds, generated tokens with end tokens, and peak memory in
    bytes if known.
    """

    method: str
    seed: int
    batch: int
    cpu_ms: float
    wall_ms: float
    tokens: int
    peak_memory_bytes: int | None


class SampleFiles:
    """Samples and timings of one run in one folder.

    Args:
        out: Folder, created if missing.
        plan: JSON-like description of the run; a folder with another one is refused.

    Raises:
        ValueError: If the folder holds another run, with the settings that differ.
    """

    def __init__(self, out: Path, plan: dict[str, Any]) -> None:
        self._finished, self._partial = out / SAMPLES_FILE, out / f"{SAMPLES_FILE}.partial"
        self._timings = out / TIMINGS_FILE
        _claim(out, plan)

    @property
    def finished(self) -> bool:
        """Whether all batches are in."""
        return self._finished.exists()

    def keep_whole_batches(self, sizes: Sequence[int]) -> int:
        """Cut off what a kill left of an unfinished batch; the number of batches that are in.

        Args:
            sizes: Samples of each batch of the run, in the order they are generated.
        """
        if self._timings.exists():
            os.truncate(self._timings, self._timings.read_bytes().rfind(b"\n") + 1)
        if not self._partial.exists():
            return 0
        lines = [line for line in self._partial.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]
        ends = np.cumsum(sizes)
        done = int(np.searchsorted(ends, len(lines), side="right"))
        keep = int(ends[done - 1]) if done else 0
        os.truncate(self._partial, sum(map(len, lines[:keep])))
        return done

    def append(self, samples: Sequence[Sample], timing: BatchTiming) -> None:
        """Add a batch. It counts as done when its samples are in; a timing without samples is overridden later."""
        _append(self._timings, [timing])
        _append(self._partial, samples)

    def finish(self) -> None:
        """Say that all batches are in."""
        os.replace(self._partial, self._finished)

    def read(self) -> tuple[list[Sample], list[BatchTiming]]:
        """Everything, once it is finished; of a batch that was generated twice, the last timing."""
        timings = [BatchTiming(**entry) for entry in _read(self._timings)]
        last = {(timing.method, timing.seed, timing.batch): timing for timing in timings}
        return [Sample(**entry) for entry in _read(self._finished)], list(last.values())


def _claim(out: Path, plan: dict[str, Any]) -> None:
    """Write down what the folder is for, or check that it is for this."""
    out.mkdir(parents=True, exist_ok=True)
    path = out / PLAN_FILE
    if not path.exists():
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps(plan, indent=2) + "\n", encoding="utf-8")
        os.replace(partial, path)
        return
    old = json.loads(path.read_text(encoding="utf-8"))
    differing = sorted(key for key in plan.keys() | old.keys() if plan.get(key) != old.get(key))
    if differing:
        raise ValueError(
            f"{out} holds a run with other {', '.join(differing)}; take another folder, or delete that one to start anew."
        )


def _append(path: Path, entries: Sequence[Sample | BatchTiming]) -> None:
    # JSON keeps to ASCII here, so that no line separator of Unicode can split a line.
    text = "".join(json.dumps(asdict(entry)) + "\n" for entry in entries)
    with path.open("a", encoding="ascii", newline="\n") as stream:
        stream.write(text)


def _read(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="ascii") as stream:
        return [json.loads(line) for line in stream]
