"""The k-th largest of more numbers than are held at once, exactly, in a few passes over them."""

import numpy as np
from numpy.typing import NDArray

_BINS_LOG2 = 12
_HELD = 1 << 20


class MagnitudeThreshold:
    """Finds the smallest of the numbers that stay if a share of them, the largest, is to stay.

    Not negative, numbers sort as the integers that their bits are. Each pass counts them in 4,096 equal parts of the
    range in question, which then shrinks to one part; as soon as few are left in it, they are held and sorted.

    Attributes:
        value: The threshold, once found; 0 if all stay.
        is_open: Whether another pass is needed.

    Args:
        num_elements: How many numbers there are.
        density: Share to stay; int(density x n) of them do, and at least one.
    """

    def __init__(self, num_elements: int, density: float):
        self.value = 0.0
        self.is_open = density < 1 and num_elements > 0
        self._rank = max(int(density * num_elements), 1)  # 1 = the largest of those in the range
        self._low, self._bits = 0, 63
        self._counts = np.zeros(1 << _BINS_LOG2, np.int64)
        self._held: list[NDArray[np.int64]] | None = [] if num_elements <= _HELD else None

    def see(self, magnitudes: NDArray[np.float64]) -> None:
        """Take in some numbers of this pass."""
        if not self.is_open:
            return
        places = magnitudes.view(np.int64) - self._low
        places = places[(places >= 0) & (places < 1 << self._bits)] if self._bits < 63 else places
        if self._held is not None:
            self._held.append(places + self._low)
        else:
            self._counts += np.bincount(places >> self._shift, minlength=len(self._counts))

    def narrow(self) -> None:
        """End a pass."""
        if not self.is_open:
            return
        if self._held is not None:
            held = np.concatenate(self._held)
            self._finish(int(np.partition(held, len(held) - self._rank)[len(held) - self._rank]))
            return
        above = np.cumsum(self._counts[::-1])[::-1]
        part = int((above >= self._rank).nonzero()[0][-1])
        inside = int(self._counts[part])
        self._rank -= int(above[part]) - inside
        self._low += part << self._shift
        self._bits = self._shift
        self._counts[:] = 0
        if not self._bits:
            self._finish(self._low)
        elif inside <= _HELD:
            self._held = []

    @property
    def _shift(self) -> int:
        return max(self._bits - _BINS_LOG2, 0)

    def _finish(self, bits: int) -> None:
        self.value = float(np.int64(bits).view(np.float64))
        self.is_open = False
        self._held = None
