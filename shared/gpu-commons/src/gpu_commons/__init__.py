"""What a language model needs from the machine: loading, cache surgery, solves, devices and run records."""

import importlib.metadata

from gpu_commons.device import (
    largest_batch,
    make_generator,
    peak_memory,
    resolve_device,
    resolve_dtype,
    seed_everything,
)
from gpu_commons.kv_cache import Branches, decoder_of, open_branches
from gpu_commons.linalg import ClassMoments, solve_spd
from gpu_commons.models import bundled_path, load_model, model_fingerprint, tokenizer_fingerprint
from gpu_commons.records import Figure, environment_record, read_records, write_record
from gpu_commons.sentence_encoder import SentenceEncoder

__version__ = importlib.metadata.version("gpu-commons")
__all__ = [
    "Branches",
    "ClassMoments",
    "Figure",
    "SentenceEncoder",
    "bundled_path",
    "decoder_of",
    "environment_record",
    "largest_batch",
    "load_model",
    "make_generator",
    "model_fingerprint",
    "open_branches",
    "peak_memory",
    "read_records",
    "resolve_device",
    "resolve_dtype",
    "seed_everything",
    "solve_spd",
    "tokenizer_fingerprint",
    "write_record",
]
