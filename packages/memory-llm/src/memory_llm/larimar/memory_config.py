"""Settings of an episodic memory."""

from dataclasses import dataclass
from typing import Literal, get_args

Addressing = Literal["slot", "gaussian", "pinv", "auto"]
OnOverflow = Literal["error", "warn", "grow", "spill"]
OnConflict = Literal["error", "update", "add"]
LogLevel = Literal["full", "keys", "none"]


class CapacityWarning(UserWarning):
    """A memory holds more facts than it can recall well."""


@dataclass(frozen=True, kw_only=True)
class MemoryConfig:
    """Sizes, addressing and policies of a memory.

    Raises:
        ValueError: If a value is out of range or two settings contradict each other.
    """

    key_width: int
    """Length of a key."""
    value_width: int
    """Length of a value (the paper's C)."""
    num_slots: int = 512
    """Slots (the paper's K)."""
    addressing: Addressing = "slot"
    """``slot``: one fact a slot, read by the nearest key. ``gaussian``: softmax of distances (Eq. 7-8), over the
    written keys or over given references. ``pinv``: least squares over fixed references, read with ``k Mref^+``.
    ``auto``: keys are the values, read with ``z M^+``."""
    ridge: float | Literal["auto"] = "auto"
    """Added to the slots' Gram matrix in ``pinv``, ``auto`` and ``gaussian`` over references. ``auto`` is 1e-6 of the
    mean squared norm of a fact's weights; 0 is plain least squares, solved anew from the log."""
    gaussian_alpha: float = 1e-3
    """Width of the softmax; towards 0 it becomes ``slot``."""
    on_overflow: OnOverflow = "error"
    """More facts than slots: refuse, write with a warning (least squares spread the error over all facts), double the
    slots, or keep the surplus in a slot memory beside it."""
    on_conflict: OnConflict = "error"
    """A key that is already there with another value: refuse, replace the old fact, or write both, which averages
    them."""
    log: LogLevel = "full"
    """What a least-squares memory keeps of each fact beside its statistics: key, value and text (forget by id, undo,
    residuals); key and hash of the text; or the id alone, so that forgetting takes the content itself."""
    seed: int = 0
    """Of the random references."""

    def __post_init__(self) -> None:
        for name in ("key_width", "value_width", "num_slots"):
            if getattr(self, name) < 1:
                raise ValueError(f"`{name}` must be at least 1, got {getattr(self, name)}.")
        choices = {"addressing": Addressing, "on_overflow": OnOverflow, "on_conflict": OnConflict, "log": LogLevel}
        for name, allowed in choices.items():
            if getattr(self, name) not in get_args(allowed):
                raise ValueError(
                    f"`{name}` must be one of {', '.join(get_args(allowed))}, got {getattr(self, name)!r}."
                )
        if self.ridge != "auto" and not 0 <= self.ridge < float("inf"):
            raise ValueError(f"`ridge` must be 'auto' or a finite number from 0, got {self.ridge}.")
        if not 0 < self.gaussian_alpha < float("inf"):
            raise ValueError(f"`gaussian_alpha` must be positive, got {self.gaussian_alpha}.")
        if self.addressing == "auto" and self.key_width != self.value_width:
            raise ValueError(
                f"`addressing='auto'` takes values as keys, so `key_width` {self.key_width} must equal "
                f"`value_width` {self.value_width}."
            )
        if self.ridge == 0 and self.log != "full":
            raise ValueError(
                f"`ridge=0` solves from the logged facts, which log={self.log!r} does not keep; use 'full'."
            )
