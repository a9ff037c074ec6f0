"""What all training runs of this package have in common."""

import os
from pathlib import Path
from typing import Any

import torch
from transformers import TrainingArguments


def training_arguments(out: str | os.PathLike[str], device: torch.device, **settings: Any) -> TrainingArguments:
    """Arguments of a run whose last checkpoint lies in ``checkpoints`` below a folder.

    Args:
        out: The folder.
        device: Where the models are.
        settings: Of ``TrainingArguments``.
    """
    on_cpu = device.type == "cpu"
    common: dict[str, Any] = {
        "output_dir": str(Path(out, "checkpoints")),
        "save_total_limit": 1,
        "remove_unused_columns": False,
        "report_to": "none",
        "use_cpu": on_cpu,
        "dataloader_pin_memory": not on_cpu,
    }
    return TrainingArguments(**{**common, **settings})
