"""One way to trade safety for the task at many strengths, each model judged by the same two losses."""

from safe_finetune.sweeps.alphas import sweep_alphas
from safe_finetune.sweeps.points import CAPABILITY, SAFETY, PointStore, frontier_of, judge_losses
from safe_finetune.sweeps.selection import sweep_keep_ratios
from safe_finetune.sweeps.training import sweep_training

__all__ = [
    "CAPABILITY",
    "SAFETY",
    "PointStore",
    "frontier_of",
    "judge_losses",
    "sweep_alphas",
    "sweep_keep_ratios",
    "sweep_training",
]
