"""Prompts with the kind of answer that is due, and their split into development and test prompts."""

import difflib
import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from gpu_commons import table_rows

Kind = Literal["harmful", "benign-imperative", "benign-edgy", "task"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """A prompt; its text may be harmful and is not shown.

    Attributes:
        id: Sixteen hex digits over the text, unless the data name another; may be shown anywhere.
        text: The user's message.
        kind: "harmful" is to be refused. The others are to be answered: "benign-imperative" are plain instructions,
            "benign-edgy" look harmful and are not, "task" have a known answer.
        answer: What a right response to a task begins with; None for the other kinds.
        source: The set or file it is of.
        place: Where it was read, for messages of errors.
    """

    id: str
    text: str = field(repr=False)
    kind: Kind
    answer: str | None = None
    source: str = ""
    place: str = "a prompt"

    def __post_init__(self) -> None:
        """Refuse a kind that is none, an empty text, and a task without answer."""
        _check_kind(self.kind, self.place)
        if not self.text.strip():
            raise ValueError(f"{self.place}: the prompt is empty; fill or delete it.")
        if (self.kind == "task") != bool(self.answer and self.answer.strip()):
            raise ValueError(
                f"{self.place}: a task needs an `answer`, and only a task has one; the kind is {self.kind}."
            )


def read_prompts(path: str | os.PathLike[str]) -> list[Prompt]:
    """Read prompts of a .jsonl, .csv, .tsv or .parquet file.

    Columns: ``prompt``, ``kind``, for tasks ``answer``, and ``id`` if prompts have names of their own.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a row cannot be read, or there is none; the message names file and line, never a text.
    """
    prompts = [_prompt(row, Path(path).name) for row in table_rows.read_rows(Path(path))]
    if not prompts:
        raise ValueError(f"{path}: there are no prompts.")
    return prompts


def prompt_id(text: str) -> str:
    """Sixteen hex digits of sha256 over the text, case and white space aside; copies of a prompt share it."""
    return hashlib.sha256(_normalised(text).encode()).hexdigest()[:16]


def without_duplicates(prompts: Iterable[Prompt]) -> list[Prompt]:
    """The first of each group of prompts that say the same, case and white space aside, in their order.

    Sets overlap: AdvBench and HarmBench share requests, and counting one twice narrows intervals without cause.

    Raises:
        ValueError: If copies differ in kind or answer, or two prompts share an id.
    """
    first: dict[str, Prompt] = {}
    holder: dict[str, Prompt] = {}
    for prompt in prompts:
        known = first.setdefault(_normalised(prompt.text), prompt)
        if (known.kind, known.answer) != (prompt.kind, prompt.answer):
            raise ValueError(
                f"{prompt.place}: says the same as {known.place} and has another kind or answer; correct one of them."
            )
        if known is prompt and holder.setdefault(prompt.id, prompt) is not prompt:
            raise ValueError(
                f"{prompt.place}: has the id of {holder[prompt.id].place}; ids must be unique, so change one."
            )
    return list(first.values())


def split_prompts(
    prompts: Sequence[Prompt], *, test_share: float = 0.5, seed: int = 0
) -> tuple[list[Prompt], list[Prompt]]:
    """Prompts to develop on, and prompts to report on.

    Each prompt's part is decided by a hash of its own text, so it stays where it is whatever stands beside it: what a
    recipe was tuned on is never reported on later.

    Args:
        prompts: To be split.
        test_share: Expected share of the second part; the real one differs as with any draw.
        seed: Of the hash.

    Raises:
        ValueError: If the share does not lie strictly between 0 and 1.
    """
    if not 0 < test_share < 1:
        raise ValueError(f"`test_share` must lie strictly between 0 and 1, got {test_share}.")
    parts: tuple[list[Prompt], list[Prompt]] = ([], [])
    for prompt in prompts:
        parts[_hash(prompt, f"{seed} split") < test_share].append(prompt)
    return parts


def draw_prompts(prompts: Sequence[Prompt], per_kind: int, *, seed: int = 0) -> list[Prompt]:
    """At most so many prompts of each kind, in their order, drawn by the hash of their texts.

    Raises:
        ValueError: If `per_kind` is below 1.
    """
    if per_kind < 1:
        raise ValueError(f"`per_kind` must be at least 1, got {per_kind}.")
    kept: set[str] = set()
    for kind in KINDS:
        drawn = sorted((_hash(prompt, f"{seed} draw"), prompt.id) for prompt in prompts if prompt.kind == kind)
        kept.update(identity for _, identity in drawn[:per_kind])
    return [prompt for prompt in prompts if prompt.id in kept]


def _hash(prompt: Prompt, salt: str) -> float:
    """A number in [0, 1) that salt and text determine, as if drawn."""
    digest = hashlib.sha256(f"{salt}\n{_normalised(prompt.text)}".encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


def _normalised(text: str) -> str:
    return " ".join(text.casefold().split())


def _check_kind(kind: Any, place: str) -> None:
    if kind not in KINDS:
        # What stands in a wrong column may be a text, so only a kind that is near is shown.
        nearest = difflib.get_close_matches(str(kind), KINDS, 1)
        hint = f"; did you mean {nearest[0]!r}?" if nearest else "."
        raise ValueError(f"{place}: `kind` must be one of {', '.join(KINDS)}{hint}")


def _prompt(row: table_rows.Row, source: str) -> Prompt:
    text, answer, identity = row.text("prompt"), row.values.get("answer"), row.values.get("id")
    _check_kind(row.field("kind"), row.place)
    return Prompt(
        id=prompt_id(text) if identity in (None, "") else str(identity),
        text=text,
        kind=row.field("kind"),
        answer=None if answer in (None, "") else str(answer),
        source=source,
        place=row.place,
    )
