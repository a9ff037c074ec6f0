"""Where and in which number format a model runs, seeds, peak memory and the largest batch that fits.

Everything is decided when a function is called: importing this module reads no hardware and sets no seed.
"""

import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

_DTYPES = {
    "float32": torch.float32,
    "fp32": torch.float32,
    "bfloat16": torch.bfloat16,
    "bf16": torch.bfloat16,
    "float16": torch.float16,
    "fp16": torch.float16,
    "float64": torch.float64,
}


class DtypeChoice(NamedTuple):
    """A number format together with the reason it was chosen, so that logs and records can say why."""

    dtype: torch.dtype
    reason: str


@dataclass
class PeakMemory:
    """What `peak_memory` measured; ``bytes`` is None until the block has ended, and where the system does not tell."""

    bytes: int | None = None


def resolve_device(device: str | torch.device = "auto") -> torch.device:
    """Turn ``"auto"``, a name such as ``"cuda:1"`` or a device into a device that exists here.

    Args:
        device: ``"auto"`` takes the accelerator that torch sees, else the CPU.

    Raises:
        ValueError: If the name is no torch device, or this machine has no such device.
    """
    present = torch.accelerator.current_accelerator(check_available=True)
    if device == "auto":
        return torch.device("cpu") if present is None else present
    try:
        resolved = torch.device(device)
    except RuntimeError as error:
        raise ValueError(
            f'`device` must be "auto", "cpu" or the name of an accelerator such as "cuda:0", got {device!r}'
        ) from error
    if resolved.type not in ("cpu", "meta"):
        _check_present(resolved, present)
    return resolved


def _check_present(device: torch.device, present: torch.device | None) -> None:
    if present is None or device.type != present.type:
        seen = "no accelerator" if present is None else f'only "{present.type}"'
        raise ValueError(f'`device` is "{device}", but torch {torch.__version__} sees {seen} here; use "auto" or "cpu"')
    count = torch.accelerator.device_count()
    if device.index is not None and device.index >= count:
        raise ValueError(f'`device` is "{device}", but this machine has {count} of that type, counted from 0')


def resolve_dtype(dtype: str | torch.dtype = "auto", device: str | torch.device = "auto") -> DtypeChoice:
    """Choose the number format of weights and activations, and say why.

    ``"auto"`` is bfloat16 on a GPU that computes in it, and float32 everywhere else: float16 overflows in models
    trained in bfloat16, and on a CPU float32 is the reference that the other formats are compared with.

    Args:
        dtype: ``"auto"``, a floating-point torch dtype, or its name (``"bfloat16"``, ``"bf16"``, ...).
        device: Where the model will run; anything `resolve_device` takes.

    Raises:
        ValueError: If the name is unknown or the dtype is not a floating-point one.
    """
    if isinstance(dtype, str) and dtype not in ("auto", "fast"):
        if dtype not in _DTYPES:
            raise ValueError(f"`dtype` must be one of auto, fast, {', '.join(_DTYPES)}, got {dtype!r}")
        dtype = _DTYPES[dtype]
    if isinstance(dtype, torch.dtype):
        if not dtype.is_floating_point:
            raise ValueError(f"`dtype` must be a floating-point type, got {dtype}")
        return DtypeChoice(dtype, "asked for by the caller")
    target = resolve_device(device)
    if dtype == "fast" and target.type == "cpu" and _cpu_has_bfloat16():
        return DtypeChoice(torch.bfloat16, "cpu: it computes in bfloat16")
    return _automatic_dtype(target)


def _cpu_has_bfloat16() -> bool:
    return bool(torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported())


def _automatic_dtype(device: torch.device) -> DtypeChoice:
    if device.type != "cuda":
        return DtypeChoice(torch.float32, f"{device.type}: float32 is the reference format there")
    name = torch.cuda.get_device_name(device)
    with torch.cuda.device(device):
        has_bfloat16 = torch.cuda.is_bf16_supported(including_emulation=False)
    if has_bfloat16:
        return DtypeChoice(torch.bfloat16, f"{name} computes in bfloat16")
    return DtypeChoice(
        torch.float32, f"{name} has no bfloat16 units, and float16 overflows in models trained in bfloat16"
    )


def make_generator(seed: int, device: str | torch.device = "cpu") -> torch.Generator:
    """A random generator of its own, which neither reads nor moves the global random state."""
    return torch.Generator(device=resolve_device(device)).manual_seed(seed)


def seed_everything(seed: int) -> None:
    """Seed the global generators of Python, numpy and torch (all devices), for code that takes no generator.

    Args:
        seed: From 0 to 2**32 - 1, which is what numpy takes.
    """
    if not 0 <= seed < 2**32:
        raise ValueError(f"`seed` must lie in [0, 2**32 - 1], got {seed}")
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002  the legacy global state is the one that third-party code reads
    torch.manual_seed(seed)


@contextmanager
def peak_memory(device: str | torch.device = "auto") -> Iterator[PeakMemory]:
    """Measure the peak memory of a block.

    On an accelerator ``bytes`` is the most that torch had allocated there at one time, what was allocated before the
    block included. On a CPU it is the peak resident size of the whole process: since the start of the block on Linux,
    since the start of the process elsewhere.

    Args:
        device: The device to watch; anything `resolve_device` takes.

    Yields:
        A result whose ``bytes`` is filled in when the block ends, also by an exception.
    """
    where = resolve_device(device)
    result = PeakMemory()
    on_accelerator = where.type not in ("cpu", "meta")
    if on_accelerator:
        torch.accelerator.reset_peak_memory_stats(where)
    else:
        _restart_peak_resident()
    try:
        yield result
    finally:
        result.bytes = torch.accelerator.max_memory_allocated(where) if on_accelerator else _peak_resident()


def _restart_peak_resident() -> None:
    # Where this is not Linux, or not allowed, the high-water mark counts from the start of the process.
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")  # 5 resets the mark, see proc(5)


def _peak_resident() -> int | None:
    try:
        status = Path("/proc/self/status").read_text()
        return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        pass
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def largest_batch(run: Callable[[int], object], start: int) -> int:
    """Find a batch size that fits, halving from ``start`` each time the device runs out of memory.

    Args:
        run: Does the work once with that many rows; what it returns is dropped. Only ``torch.OutOfMemoryError``, which
            accelerators raise, counts as too large; other errors pass through.
        start: The first size tried, at least 1.

    Returns:
        The first size that ran, ``start`` divided by a power of two and rounded down.

    Raises:
        ValueError: If ``start`` is below 1.
        torch.OutOfMemoryError: If not even one row fits.
    """
    if start < 1:
        raise ValueError(f"`start` must be at least 1, got {start}")
    size = start
    while not _fits(run, size):
        if size == 1:
            raise torch.OutOfMemoryError(
                f"a batch of 1 does not fit into memory (tried from {start} down); use a smaller model or input"
            )
        size //= 2
    return size


def _fits(run: Callable[[int], object], size: int) -> bool:
    # The error is dropped before the next try: its traceback holds the frames, and those hold the tensors.
    try:
        run(size)
    except torch.OutOfMemoryError:
        fits = False
    else:
        fits = True
    if not fits and torch.accelerator.is_available():
        torch.accelerator.empty_cache()
    return fits
