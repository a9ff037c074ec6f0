"""Ways to score fine-tuning rows, SEAL and what it must be compared with, behind one protocol."""

from safe_finetune.scorers.dsir import DSIRScorer
from safe_finetune.scorers.gradient_similarity import GradientSimilarityScorer
from safe_finetune.scorers.loss import ExcessLossScorer, LossScorer, SafeTunedLossScorer
from safe_finetune.scorers.protocol import Scorer
from safe_finetune.scorers.random import RandomScorer
from safe_finetune.scorers.seal import SealScorer

__all__ = [
    "DSIRScorer",
    "ExcessLossScorer",
    "GradientSimilarityScorer",
    "LossScorer",
    "RandomScorer",
    "SafeTunedLossScorer",
    "Scorer",
    "SealScorer",
]
