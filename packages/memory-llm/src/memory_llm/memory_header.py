"""The file that a saved memory is whole with: written last, read first."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gpu_commons.write_aside import write_text_aside


def write_header(path: Path, version: int, header: Mapping[str, Any]) -> None:
    """Write a header with the version of its format, aside, and rename the file."""
    write_text_aside([json.dumps({"format_version": version, **header})], path)


def read_header(path: Path, version: int, *, again: str) -> dict[str, Any]:
    """A header of this version of its format.

    Args:
        path: Of the file.
        version: That this package reads.
        again: What to do if there is none.

    Raises:
        FileNotFoundError: If there is no file.
        ValueError: If it is of another version.
        json.JSONDecodeError, KeyError, TypeError: If it is damaged.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no whole memory in {path.parent.absolute()}; {again}.")
    header: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if header["format_version"] != version:
        raise ValueError(
            f"{path.parent} has format version {header['format_version']}, this package reads {version}; update memory-llm."
        )
    return header
