"""What MemReasoner is compared with: models of other kinds, trained on the same stories until they answer them."""

from memory_llm.memreasoner.baselines.base import Baseline
from memory_llm.memreasoner.baselines.registry import BASELINES, load_baseline, make_baseline, save_baseline
from memory_llm.memreasoner.baselines.train import TrainedBaseline, accuracy, train_baseline

__all__ = [
    "BASELINES",
    "Baseline",
    "TrainedBaseline",
    "accuracy",
    "load_baseline",
    "make_baseline",
    "save_baseline",
    "train_baseline",
]
