"""LoRA adapters: their usual settings, and how they are put on a model, to be taken off again by ``unload``."""

import copy
import warnings
from typing import Any

from transformers import PreTrainedModel


def lora_of(rank: int) -> Any:
    """LoRA on all linear layers but the head, or None for rank 0."""
    from peft import LoraConfig

    if rank < 0:
        raise ValueError(f"`lora_rank` must not be negative, got {rank}; 0 trains the whole model.")
    return LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear", task_type="CAUSAL_LM") if rank else None


def with_adapters(model: PreTrainedModel, peft_config: Any, *names: str) -> Any:
    """A peft model over a frozen base, with an adapter for each name; the first is active.

    Args:
        model: Its layers are wrapped in place; ``unload`` of what is returned unwraps them.
        peft_config: Of peft; left as it is (peft writes into the ones it is given).
        names: At least one.
    """
    from peft import get_peft_model

    with warnings.catch_warnings():
        # 2026-11: peft 0.21 asks transformers 5.23 for an attribute under its old name.
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
        adapted = get_peft_model(model, copy.deepcopy(peft_config), adapter_name=names[0])
    for name in names[1:]:
        adapted.add_adapter(name, copy.deepcopy(peft_config))
    return adapted
