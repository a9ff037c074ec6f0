"""A model fine-tuned through adapters that are folded into a copy of it."""

import copy
import tempfile
from typing import Any

from transformers import PreTrainedModel, TrainingArguments

from gpu_commons import seed_everything
from safe_finetune.constrained import ConstrainedSFTConfig, ConstrainedSFTTrainer
from safe_finetune.rows import EncodedRows
from safe_finetune.sft import WeightedSFTTrainer
from safe_finetune.sft.adapters import lora_of, with_adapters

LORA_RANK = 16


def lora_of_upper_half(model: PreTrainedModel) -> Any:
    """LoRA on the linear layers of the upper half of the blocks: gradients go no deeper, which saves time."""
    from peft import LoraConfig

    layers = range(model.config.num_hidden_layers // 2, model.config.num_hidden_layers)
    within = rf".*\.layers\.({'|'.join(map(str, layers))})\..*_proj"
    return LoraConfig(r=LORA_RANK, lora_alpha=2 * LORA_RANK, target_modules=within, task_type="CAUSAL_LM")


def fine_tuned(
    model: PreTrainedModel,
    rows: EncodedRows,
    *,
    steps: int,
    safety: EncodedRows | None = None,
    seed: int = 0,
    batch_size: int = 16,
    micro_batches: int = 1,
    peft_config: Any = None,
    **constraint: Any,
) -> PreTrainedModel:
    """A copy trained for so many steps on rows; with safety rows, or a radius, under that constraint.

    Args:
        model: Left as it is.
        rows: To train on.
        steps: Of the optimiser.
        safety: Rows whose loss is bounded.
        seed: Of order and adapters.
        batch_size: Rows of a step.
        micro_batches: Batches that a step's rows are cut into.
        peft_config: Of the adapters; all linear layers if absent.
        constraint: Of :class:`ConstrainedSFTConfig`.
    """
    seed_everything(seed)
    trained = with_adapters(copy.deepcopy(model), peft_config or lora_of(LORA_RANK), "default")
    with tempfile.TemporaryDirectory() as folder:
        settings = training_settings(
            folder, model, steps=steps, seed=seed, batch_size=batch_size, micro_batches=micro_batches
        )
        if safety is None and not constraint:
            WeightedSFTTrainer(trained, TrainingArguments(**settings), rows).train()
        else:
            ConstrainedSFTTrainer(trained, ConstrainedSFTConfig(**settings, **constraint), rows, safety).train()
    return trained.merge_and_unload()


def training_settings(
    folder: str, model: PreTrainedModel, *, steps: int, seed: int = 0, batch_size: int = 16, micro_batches: int = 1
) -> dict[str, Any]:
    """Of transformers' ``TrainingArguments``: a rate that falls to 0, nothing saved."""
    return {
        "output_dir": folder,
        "max_steps": steps,
        "per_device_train_batch_size": batch_size // micro_batches,
        "gradient_accumulation_steps": micro_batches,
        "learning_rate": 1e-3,
        "lr_scheduler_type": "linear",
        "warmup_steps": 0.1,  # a share of them
        "adam_beta2": 0.95,
        "seed": seed,
        "use_cpu": model.device.type == "cpu",
        "dataloader_pin_memory": False,
        "save_strategy": "no",
        "report_to": "none",
    }
