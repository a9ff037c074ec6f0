"""Give a language model a memory that is written, changed and deleted without training.

Keys say where a fact is found, values what it says; both are vectors. Rows and slots are 0-based, lengths are tokens,
log-probabilities nats. Names are imported when they are first used, so that the command line's ``--help`` does not wait
for torch.
"""

import importlib.metadata
from typing import TYPE_CHECKING

from gpu_commons.lazy_names import lazy_names

if TYPE_CHECKING:
    from memory_llm.facts.evaluate import evaluate
    from memory_llm.facts.fact import Fact
    from memory_llm.facts.reading import read_facts
    from memory_llm.haystack.grid import run_grid
    from memory_llm.haystack.insertion import Haystack, make_grid
    from memory_llm.larimar.addressing import KeySpace
    from memory_llm.larimar.as_method import LarimarMethod
    from memory_llm.larimar.config import LarimarConfig
    from memory_llm.larimar.editor import Explanation, LarimarEditor
    from memory_llm.larimar.episode_objective import EpisodeCollator, EpisodeObjective
    from memory_llm.larimar.memory import EpisodicMemory
    from memory_llm.larimar.memory_config import CapacityWarning, MemoryConfig
    from memory_llm.larimar.model import LarimarForCausalLM
    from memory_llm.larimar.pipeline import Larimar
    from memory_llm.larimar.reader import LongContextReader
    from memory_llm.larimar.receipts import Capacity, ForgetReceipt, MemoryDiff, WriteReceipt
    from memory_llm.larimar.scope import AlwaysIn, EncoderScope, ResidualScope, SentenceScope, calibrate
    from memory_llm.larimar.train import train_connector
    from memory_llm.training.objective_trainer import ObjectiveTrainer

__version__ = importlib.metadata.version("memory-llm")
_HOME = {
    "AlwaysIn": "larimar.scope",
    "Capacity": "larimar.receipts",
    "CapacityWarning": "larimar.memory_config",
    "EncoderScope": "larimar.scope",
    "EpisodeCollator": "larimar.episode_objective",
    "EpisodeObjective": "larimar.episode_objective",
    "EpisodicMemory": "larimar.memory",
    "Explanation": "larimar.editor",
    "Fact": "facts.fact",
    "ForgetReceipt": "larimar.receipts",
    "Haystack": "haystack.insertion",
    "KeySpace": "larimar.addressing",
    "Larimar": "larimar.pipeline",
    "LarimarConfig": "larimar.config",
    "LarimarEditor": "larimar.editor",
    "LarimarForCausalLM": "larimar.model",
    "LarimarMethod": "larimar.as_method",
    "ObjectiveTrainer": "training.objective_trainer",
    "LongContextReader": "larimar.reader",
    "MemoryConfig": "larimar.memory_config",
    "MemoryDiff": "larimar.receipts",
    "ResidualScope": "larimar.scope",
    "SentenceScope": "larimar.scope",
    "WriteReceipt": "larimar.receipts",
    "calibrate": "larimar.scope",
    "evaluate": "facts.evaluate",
    "make_grid": "haystack.insertion",
    "read_facts": "facts.reading",
    "run_grid": "haystack.grid",
    "train_connector": "larimar.train",
}
__all__ = [
    "AlwaysIn",
    "Capacity",
    "CapacityWarning",
    "EncoderScope",
    "EpisodeCollator",
    "EpisodeObjective",
    "EpisodicMemory",
    "Explanation",
    "Fact",
    "ForgetReceipt",
    "Haystack",
    "KeySpace",
    "Larimar",
    "LarimarConfig",
    "LarimarEditor",
    "LarimarForCausalLM",
    "LarimarMethod",
    "LongContextReader",
    "MemoryConfig",
    "MemoryDiff",
    "ObjectiveTrainer",
    "ResidualScope",
    "SentenceScope",
    "WriteReceipt",
    "calibrate",
    "evaluate",
    "make_grid",
    "read_facts",
    "run_grid",
    "train_connector",
]

__getattr__ = lazy_names(__name__, _HOME)
