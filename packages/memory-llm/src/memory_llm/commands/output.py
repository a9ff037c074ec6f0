"""Results on stdout, for people or as JSON."""

import json
from typing import Any


def show(result: Any, *, as_json: bool) -> None:
    """Print a result: a text, fields, or rows of fields."""
    if as_json:
        print(json.dumps(result))
    elif isinstance(result, dict):
        print("\n".join(f"{name}: {value}" for name, value in result.items()))
    elif isinstance(result, list):
        print("\n".join("  ".join(f"{name}={value}" for name, value in row.items()) for row in result))
    else:
        print(result)
