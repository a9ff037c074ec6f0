"""Supervised fine-tuning with a weight for each row, and what all training on rows shares: losses and streams."""

from safe_finetune.sft.row_losses import response_losses, row_losses
from safe_finetune.sft.trainer import WeightedSFTTrainer

__all__ = ["WeightedSFTTrainer", "response_losses", "row_losses"]
