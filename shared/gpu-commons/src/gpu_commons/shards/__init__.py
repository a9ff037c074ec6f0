"""Safetensors checkpoints read and written in bounded memory: one piece of one tensor at a time, whatever their size.

Needs numpy alone, so that a process that only moves weights does not pay for torch. Offsets and counts are elements of
the flattened tensor unless they are called bytes; elements are 0-based.
"""

from gpu_commons.shards.checkpoint import Checkpoint
from gpu_commons.shards.floats import FLOATS, from_float64, to_float64
from gpu_commons.shards.header import TensorEntry, read_header
from gpu_commons.shards.layout import ShardLayout, plan_shards
from gpu_commons.shards.writer import ShardWriter

__all__ = [
    "FLOATS",
    "Checkpoint",
    "ShardLayout",
    "ShardWriter",
    "TensorEntry",
    "from_float64",
    "plan_shards",
    "read_header",
    "to_float64",
]
