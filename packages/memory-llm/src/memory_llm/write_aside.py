"""Text files that are whole or not there."""

import os
from collections.abc import Iterable
from pathlib import Path


def write_text_aside(parts: Iterable[str], path: str | os.PathLike[str]) -> Path:
    """Write parts of a text one after the other into a file beside the target, and rename it when all are there."""
    target = Path(path).expanduser()
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(f"{target.name}.partial")
    with aside.open("w", encoding="utf-8") as stream:
        stream.writelines(parts)
    os.replace(aside, target)
    return target
