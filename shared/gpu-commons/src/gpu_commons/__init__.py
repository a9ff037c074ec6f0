"""What a language model needs from the machine: loading, cache surgery, solves, devices and run records.

Names are imported when they are first used, so that a command's ``--help`` does not wait for torch.
"""

import importlib.metadata
from typing import TYPE_CHECKING

from gpu_commons.lazy_names import lazy_names

if TYPE_CHECKING:
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
_HOME = {
    "Branches": "kv_cache",
    "ClassMoments": "linalg",
    "Figure": "records",
    "SentenceEncoder": "sentence_encoder",
    "bundled_path": "models",
    "decoder_of": "kv_cache",
    "environment_record": "records",
    "largest_batch": "device",
    "load_model": "models",
    "make_generator": "device",
    "model_fingerprint": "models",
    "open_branches": "kv_cache",
    "peak_memory": "device",
    "read_records": "records",
    "resolve_device": "device",
    "resolve_dtype": "device",
    "seed_everything": "device",
    "solve_spd": "linalg",
    "tokenizer_fingerprint": "models",
    "write_record": "records",
}
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

__getattr__ = lazy_names(__name__, _HOME)
