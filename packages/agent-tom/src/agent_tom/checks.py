"""Numbers that must lie in a range."""


def in_range(name: str, value: float | int, low: float | int, high: float | int | None = None) -> None:
    """Refuse a setting outside its range, ends included; without ``high`` there is no upper end.

    Raises:
        ValueError: If it is.
    """
    if not (low <= value and (high is None or value <= high)):
        bound = f"at least {low:g}" if high is None else f"{low:g} to {high:g}"
        raise ValueError(f"`{name}` must be {bound}, got {value}.")
