"""Settings that must lie in a range, or be one of a few."""

from collections.abc import Sequence


def in_range(name: str, value: float | int, low: float | int, high: float | int | None = None) -> None:
    """Refuse a setting outside its range, ends included; without ``high`` there is no upper end.

    Raises:
        ValueError: If it is.
    """
    if not (low <= value and (high is None or value <= high)):
        bound = f"at least {low:g}" if high is None else f"{low:g} to {high:g}"
        raise ValueError(f"`{name}` must be {bound}, got {value}.")


def one_of(name: str, value: str, known: Sequence[str]) -> None:
    """Refuse a setting that is none of the known values.

    Raises:
        ValueError: If it is.
    """
    if value not in known:
        raise ValueError(f"`{name}` must be one of {', '.join(known)}, got {value!r}.")
