"""Run records: every published number as a JSON file that says where, how and from which commit it came.

A record is evidence, so it must be complete (command, commit, versions, seeds, baseline beside ours) and fit to be
published: it holds no host name, no user name and no absolute path. What a dirty tree, an unknown commit or a shortened
run produced goes to ``scratch/``, which the table generator does not read.
"""

import datetime
import json
import math
import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from gpu_commons.device import resolve_device
from gpu_commons.environment import environment_record, hardware_slug
from gpu_commons.write_aside import write_text_aside

__all__ = ["Figure", "environment_record", "read_records", "write_record"]
_ABSOLUTE_PATH = re.compile(r"""(?<![\w./-])(?:/[^\s/'",;:()]+|[A-Za-z]:\\[^\s\\'",;]+)(?:[/\\][^\s/\\'",;:()]*)+""")


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One number of a result, with what is needed to judge it.

    The baseline comes from the same run as the value: numbers of two runs or two machines are not compared.
    """

    id: str
    """What is measured, unique in the record, such as ``"tree plan, ms per token"``."""
    value: float
    """Finite."""
    unit: str
    """Such as ``"ms"`` or ``"ratio"``; empty for a pure number."""
    better: Literal["higher", "lower"]
    interval: tuple[float, float] | None = None
    """Lower and upper end, of the kind that the record's config names (95 % unless it says otherwise)."""
    target: float | None = None
    baseline: float | None = None

    @property
    def met(self) -> bool:
        """Whether the value is at its target or better; so too if there is none."""
        if self.target is None:
            return True
        return self.value >= self.target if self.better == "higher" else self.value <= self.target

    def __post_init__(self) -> None:
        """Refuse what JSON or a table could not show."""
        if self.better not in ("higher", "lower"):
            raise ValueError(f'`better` of figure "{self.id}" must be "higher" or "lower", got {self.better!r}')
        for field, value in (("value", self.value), ("target", self.target), ("baseline", self.baseline)):
            if value is not None and not math.isfinite(value):
                raise ValueError(
                    f'`{field}` of figure "{self.id}" must be finite, got {value}; leave it out and say why'
                )
        if self.interval is not None and not -math.inf < self.interval[0] <= self.interval[1] < math.inf:
            raise ValueError(
                f'`interval` of figure "{self.id}" must be finite and ordered (low, high), got {self.interval}'
            )


def write_record(
    name: str,
    *,
    results_dir: str | Path,
    command: str,
    config: Mapping[str, Any],
    seeds: Sequence[int],
    figures: Sequence[Figure],
    device: str | torch.device = "auto",
    shortened: bool = False,
    extra: Mapping[str, Any] | None = None,
) -> Path:
    """Write ``<results_dir>/<name>--<hardware>--<date>.json``; a second run of the same day replaces the first.

    Args:
        name: Of the benchmark, as its script is called; letters, digits, ``_`` and ``-``.
        results_dir: Usually ``benchmarks/results`` of the package measured; the commit is that of its repository.
        command: What a reader types to get this record again.
        config: All effective settings, JSON-like.
        seeds: Of the random generators; empty if nothing was drawn.
        figures: The numbers, with unique ids.
        device: Where the figures were measured, which names the hardware.
        shortened: True for a trial run; the record then goes to ``scratch/``.
        extra: Further top-level keys, for instance raw measurements.

    Returns:
        The path of the record, in ``<results_dir>/scratch`` if the run was shortened, the working tree differed from
        its commit (other results aside), or the commit is unknown.

    Raises:
        ValueError: If the name suits no file, two figures share an id, or ``extra`` redefines a key.
    """
    _check_names(name, figures)
    results = Path(results_dir)
    results.mkdir(parents=True, exist_ok=True)
    commit, is_dirty = _commit_of(results)
    date = datetime.datetime.now(datetime.UTC).date().isoformat()
    hardware = hardware_slug(resolve_device(device))
    record: dict[str, Any] = {
        "name": name,
        "date": date,
        "hardware": hardware,
        "command": command,
        "commit": commit,
        "dirty": is_dirty,
        "shortened": shortened,
        "environment": environment_record(),
        "config": dict(config),
        "seeds": list(seeds),
        "figures": [asdict(figure) for figure in figures],
    }
    redefined = sorted(record.keys() & (extra or {}).keys())
    if redefined:
        raise ValueError(f"`extra` must not redefine {', '.join(redefined)}, which the record already has")
    is_evidence = commit is not None and not is_dirty and not shortened
    folder = results if is_evidence else results / "scratch"
    return _write_json(
        folder / f"{name}--{hardware}--{date}.json", _without_absolute_paths({**record, **(extra or {})})
    )


def read_records(results_dir: str | Path) -> list[dict[str, Any]]:
    """Read all records of a folder, oldest first; ``scratch/`` is left out.

    Raises:
        FileNotFoundError: If the folder does not exist.
        ValueError: If a file is not a record.
    """
    results = Path(results_dir).absolute()
    if not results.is_dir():
        raise FileNotFoundError(f"no folder of results at {results}")
    return sorted((_read_json(path) for path in sorted(results.glob("*.json"))), key=lambda record: record["date"])


def _read_json(path: Path) -> dict[str, Any]:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is not JSON: {error}") from error
    if not isinstance(record, dict) or not {"name", "date", "hardware", "figures"} <= record.keys():
        raise ValueError(f"{path} is not a run record: it needs the keys name, date, hardware and figures")
    return record


def _write_json(path: Path, record: Any) -> Path:
    return write_text_aside(json.dumps(record, indent=2, allow_nan=False, ensure_ascii=False) + "\n", path)


def _check_names(name: str, figures: Sequence[Figure]) -> None:
    if not re.fullmatch(r"[A-Za-z0-9]+(?:[_-][A-Za-z0-9]+)*", name):
        raise ValueError(f"`name` must be letters and digits joined by single `_` or `-`, got {name!r}")
    ids = [figure.id for figure in figures]
    repeated = sorted({figure_id for figure_id in ids if ids.count(figure_id) > 1})
    if repeated:
        raise ValueError(f"`figures` must have unique ids; repeated: {', '.join(repeated)}")


def _commit_of(folder: Path) -> tuple[str | None, bool | None]:
    """The commit and whether the tree differs from it; (None, None) outside a repository.

    Results do not count as differences, or else the second benchmark of a session would always look dirty.
    """
    commit = _git(folder, "rev-parse", "HEAD")
    pathspec = [":(top)", ":(top,exclude,glob)**/benchmarks/results/**"]
    status = _git(folder, "status", "--porcelain", "--untracked-files=all", "--", *pathspec)
    if commit is None or status is None:
        return None, None
    return commit.strip(), bool(status.strip())


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None


def _without_absolute_paths(value: Any) -> Any:
    """Copy JSON-like data with absolute paths made relative to the working directory, or cut to their last part."""
    if isinstance(value, Mapping):
        return {str(key): _without_absolute_paths(item) for key, item in value.items()}
    if isinstance(value, Path):
        return _portable_path(str(value)) if value.is_absolute() else value.as_posix()
    if isinstance(value, str):
        return _ABSOLUTE_PATH.sub(lambda match: _portable_path(match.group()), value)
    if isinstance(value, Iterable):
        return [_without_absolute_paths(item) for item in value]
    return value


def _portable_path(text: str) -> str:
    path = Path(text)
    if path.is_relative_to(Path.cwd()):
        return path.relative_to(Path.cwd()).as_posix()
    return re.split(r"[/\\]", text.rstrip("/\\"))[-1]
