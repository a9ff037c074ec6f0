"""Texts inside an installed R package, read without R: its lazy-load database of character vectors."""

import gzip
import importlib
import zlib
from pathlib import Path
from typing import Any

RDATA_PIP_LINE = "pip install rdata==1.1.0"
_LENGTH_BYTES = 4


def read_r_texts(index: Path) -> dict[str, str]:
    """Character vectors of a database, each as lines of one text, by their R names in order.

    Args:
        index: Its ``.rdx`` file (gzip over an R serialisation: offset and length by name); the ``.rdb`` lies beside it
            (each slice the length unpacked in 4 bytes, then zlib over an R serialisation).

    Raises:
        ImportError: If ``rdata`` is not installed; the message is the pip line.
        FileNotFoundError: If there is no ``.rdb`` beside the index.
        ValueError: If the files do not fit each other.
    """
    try:
        rdata = importlib.import_module("rdata")
    except ImportError:
        raise ImportError(f"texts of an R package need: {RDATA_PIP_LINE}") from None
    database = index.with_suffix(".rdb")
    if not database.is_file():
        raise FileNotFoundError(f"no R database at {database.absolute()}, though its index is there")
    try:
        variables = _parse(rdata, gzip.decompress(index.read_bytes()))["variables"]
    except (gzip.BadGzipFile, EOFError, KeyError, TypeError):
        raise ValueError(f"{index}: is not the index of an R database; unpack the package anew.") from None
    content = database.read_bytes()
    texts: dict[str, str] = {}
    for name, (offset, length) in variables.items():
        value = _parse(rdata, _unpack(content[int(offset) : int(offset) + int(length)], database, name))
        if getattr(getattr(value, "dtype", None), "kind", None) in ("U", "O"):
            texts[str(name)] = "\n".join(str(line) for line in value)
    return texts


def _parse(rdata: Any, serialised: bytes) -> Any:
    return rdata.conversion.convert(rdata.parser.parse_data(serialised, extension=".rds"))


def _unpack(packed: bytes, database: Path, name: str) -> bytes:
    length = int.from_bytes(packed[:_LENGTH_BYTES], "big")
    try:
        unpacked = zlib.decompress(packed[_LENGTH_BYTES:])
    except zlib.error:
        unpacked = b""
    if len(unpacked) != length or not unpacked:
        raise ValueError(f"{database}: the entry {str(name)!r} cannot be unpacked; unpack the package anew.")
    return unpacked
