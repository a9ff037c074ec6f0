"""Files that are whole or not there."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def written_aside(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A path beside the target to write to; the file takes the target's place if all goes well, and goes if not.

    Each process has its own, so that several may write one target at a time, and the last one's stays.

    Args:
        path: The target; folders are made, and an older file is replaced by the whole new one.
    """
    target = Path(path).expanduser()
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(f"{target.name}.{os.getpid()}.partial")
    try:
        yield aside
        os.replace(aside, target)
    finally:
        aside.unlink(missing_ok=True)  # of writing that broke off


def write_text_aside(text: str | Iterable[str], path: str | os.PathLike[str]) -> Path:
    """Write a text, or parts of one, into a file beside the target, and rename it when all is there.

    Args:
        text: Whole, or in parts, of which one is held at a time.
        path: The target; folders are made, and an older file is replaced by the whole new one.
    """
    with written_aside(path) as aside, aside.open("w", encoding="utf-8") as stream:
        stream.writelines([text] if isinstance(text, str) else text)
    return Path(path).expanduser()
