"""JSON files that lie beside a model's weights, of which a download may have left a part."""

import json
from pathlib import Path
from typing import Any


def read_json_object(file: Path) -> dict[str, Any]:
    """The object that a file holds.

    Raises:
        ValueError: If it holds none, with its place.
    """
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{file}: is not JSON ({error}); fetch the file again.") from None
    if not isinstance(found, dict):
        raise ValueError(f"{file}: holds a JSON {type(found).__name__} and no object; fetch the file again.")
    return found
