"""Things by name: as plans and the command line say them."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar

Made = TypeVar("Made")
MOST_LISTED = 40


def unknown(kind: str, name: str, known: Iterable[str]) -> ValueError:
    """The error for an unknown name, with the nearest known ones."""
    known = list(known)
    nearest = difflib.get_close_matches(name, known, 3, cutoff=0.5)
    listed = ", ".join(known[:MOST_LISTED]) + (
        f" and {len(known) - MOST_LISTED} more" if len(known) > MOST_LISTED else ""
    )
    hint = f"did you mean {' or '.join(map(repr, nearest))}?" if nearest else f"there are {listed}."
    return ValueError(f"no {kind} is called {name!r}; {hint}")


def resolved(
    kind: str,
    spec: str | Mapping[str, Any],
    classes: Mapping[str, type[Made]],
    shorthands: Mapping[str, Mapping[str, Any]],
) -> tuple[type[Made], dict[str, Any]]:
    """The class that a name, or a mapping of ``name`` and settings, stands for, and its settings; a ``label`` is for
    tables alone.

    Args:
        kind: Of thing, for errors.
        spec: What is asked for.
        classes: By name.
        shorthands: Names that stand for a mapping.

    Raises:
        ValueError: If the name or a setting is unknown.
    """
    settings = {"name": spec} if isinstance(spec, str) else dict(spec)
    name = str(settings.pop("name", ""))
    settings.pop("label", None)
    if name in shorthands:
        return resolved(kind, {**shorthands[name], **settings}, classes, shorthands)
    if name not in classes:
        raise unknown(kind, name, [*classes, *shorthands])
    found = classes[name]
    known = [field.name for field in fields(found)] if is_dataclass(found) else []
    if extra := sorted(settings.keys() - set(known)):
        raise ValueError(f"{kind} {name!r} has no setting {extra[0]!r}; it has {', '.join(known) or 'none'}.")
    return found, settings


def made(kind: str, name: str, found: type[Made], settings: Mapping[str, Any]) -> Made:
    """One of a class with its settings.

    Raises:
        ValueError: If a setting is missing.
    """
    try:
        return found(**settings)
    except TypeError as error:
        raise ValueError(f"{kind} {name!r} lacks a setting: {error}.") from error
