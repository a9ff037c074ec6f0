"""Floating-point numbers of checkpoints to float64, in which every one of them is exact, and back with one rounding."""

import numpy as np
from numpy.typing import NDArray

FLOATS = ("F64", "F32", "F16", "BF16")
_NUMPY = {"F64": np.float64, "F32": np.float32, "F16": np.float16}


def to_float64(raw: NDArray[np.uint8], dtype: str, out: NDArray[np.float64]) -> NDArray[np.float64]:
    """Numbers from their bytes.

    Args:
        raw: Little-endian bytes.
        dtype: One of ``FLOATS``.
        out: Filled and returned.
    """
    if dtype == "BF16":
        numbers = (raw.view(np.uint16).astype(np.uint32) << np.uint32(16)).view(np.float32)
    else:
        numbers = raw.view(_NUMPY[dtype])
    with np.errstate(invalid="ignore"):  # a NaN may be of the kind that signals
        out[...] = numbers
    return out


def from_float64(values: NDArray[np.float64], dtype: str) -> NDArray[np.uint8]:
    """Bytes of numbers, each rounded once, to the nearest and then to even.

    Numbers that are too large become infinite, as they do in numpy and torch.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        if dtype == "BF16":
            return _bfloat16(values).view(np.uint8)
        if dtype == "F16":
            return _odd_float32(values).astype(np.float16).view(np.uint8)
        return values.astype(_NUMPY[dtype]).view(np.uint8)


# Bits 45 and above of a float64 are sign, exponent and the seven digits of a bfloat16; the exponent is larger by 896.
_DIGITS, _SHIFT, _BIAS = 7, np.uint64(45), np.uint32(896 << 7)
_HALF = np.uint64((1 << 44) - 1)


def _bfloat16(values: NDArray[np.float64]) -> NDArray[np.uint16]:
    """All at once as integers, but for zero and what is too small, too large or no number, which are rare."""
    bits = np.ascontiguousarray(values).view(np.uint64)
    rounded = bits >> _SHIFT
    rounded &= np.uint64(1)
    rounded += bits
    rounded += _HALF
    rounded >>= _SHIFT
    short = rounded.astype(np.uint32)
    short -= _BIAS
    magnitude = short & np.uint32(0x3FFFF)
    magnitude -= np.uint32(1 << _DIGITS)
    rare = magnitude >= np.uint32((255 << _DIGITS) - (1 << _DIGITS))
    sign = short >> np.uint32(3)
    sign &= np.uint32(0x8000)
    short &= np.uint32(0x7FFF)
    short |= sign
    found = short.astype(np.uint16)
    if rare.any():
        found[rare] = _rare_bfloat16(values[rare])
    return found


def _rare_bfloat16(values: NDArray[np.float64]) -> NDArray[np.uint16]:
    bits = _odd_float32(values).view(np.uint32)
    rounded = (bits + np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))) >> np.uint32(16)
    return np.where(np.isnan(values), np.uint16(0x7FC0), rounded.astype(np.uint16))  # rounding carries some NaN over


def _odd_float32(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """Of the two float32 beside what is none, one ends in an odd and one in an even bit: take the odd one.

    Rounding that once more, to a format with two digits less or fewer, gives what rounding the float64 itself would
    (Boldo and Melquiond 2008); the nearest float32 could be the middle of two numbers of that format.
    """
    nearest = values.astype(np.float32)
    bits, wide = nearest.view(np.int32), nearest.astype(np.float64)
    even = (wide != values) & ((bits & 1) == 0) & ~np.isnan(values)
    bits += np.where(even, np.where(np.abs(wide) > np.abs(values), -1, 1), 0).astype(np.int32)
    return nearest
