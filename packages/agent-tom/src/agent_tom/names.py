"""What to say of a name that nobody knows."""

import difflib
from collections.abc import Iterable


def unknown(kind: str, name: str, known: Iterable[str]) -> ValueError:
    """The error for an unknown name, with the nearest known ones."""
    known = list(known)
    nearest = difflib.get_close_matches(name, known, 3, cutoff=0.5)
    hint = f"did you mean {' or '.join(map(repr, nearest))}?" if nearest else f"there are {', '.join(known)}."
    return ValueError(f"no {kind} is called {name!r}; {hint}")
