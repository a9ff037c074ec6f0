"""What the verbs that train have in common: transformers' settings."""

from pathlib import Path
from typing import Any


def training_of(
    folder: Path, *, epochs: float, batch_size: int, learning_rate: float, device: str, seed: int
) -> dict[str, Any]:
    """Arguments of transformers' ``TrainingArguments``; checkpoints lie in the folder, one at a time."""
    import torch

    return {
        "use_cpu": device == "cpu",
        "dataloader_pin_memory": torch.cuda.is_available() and device != "cpu",
        "output_dir": str(folder),
        "num_train_epochs": epochs,
        "per_device_train_batch_size": batch_size,
        "learning_rate": learning_rate,
        "seed": seed,
        "report_to": "none",
        "save_strategy": "epoch",
        "save_total_limit": 1,
        "logging_steps": 10.0,
    }
