"""The most memory that a process's own allocations ever held, whatever the allocator keeps back of what was freed.

Freed blocks stay with the C library while others lie above them. Of training, which frees a step's activations at once,
that is several hundred MB more or less by chance, and hides what a model's second adapter takes.
"""

import ctypes
import threading
from types import TracebackType

_EVERY = 0.01
_FIELDS = (
    "arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost",
)  # fmt: skip


class _Mallinfo(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in _FIELDS]


class AllocatedPeak:
    """``with AllocatedPeak() as peak: ...``, then ``peak.bytes``; looked at every 10 ms. Needs glibc 2.33 or later."""

    def __init__(self) -> None:
        self.bytes = 0
        self._ask = ctypes.CDLL(None).mallinfo2
        self._ask.restype = _Mallinfo
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "AllocatedPeak":
        self._thread.start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(_EVERY):
            info = self._ask()
            self.bytes = max(self.bytes, info.uordblks + info.hblkhd)
