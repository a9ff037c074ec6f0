"""What the verbs that train have in common: transformers' settings, and adapters."""

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


def lora_of(rank: int) -> Any:
    """LoRA on all linear layers but the head, or None for rank 0."""
    from peft import LoraConfig

    if rank < 0:
        raise ValueError(f"`lora_rank` must not be negative, got {rank}; 0 trains the whole model.")
    return LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear", task_type="CAUSAL_LM") if rank else None
