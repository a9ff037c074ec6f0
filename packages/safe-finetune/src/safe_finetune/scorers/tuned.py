"""A model tuned on some rows for as long as its losses are asked, and the given one afterwards."""

import contextlib
import copy
from collections.abc import Iterator
from typing import Any

from transformers import PreTrainedModel, TrainingArguments

from safe_finetune.rows import EncodedRows
from safe_finetune.sft.adapters import with_adapters
from safe_finetune.sft.trainer import WeightedSFTTrainer


@contextlib.contextmanager
def tuned(model: PreTrainedModel, rows: EncodedRows, training: TrainingArguments, peft_config: Any) -> Iterator[Any]:
    """Tune a copy of the model, or adapters that are taken off again.

    Args:
        model: Its weights stay as they are.
        rows: To tune on.
        training: Settings; nothing need be saved.
        peft_config: Of adapters; without it the whole model is copied.
    """
    if peft_config is None:
        trained: Any = copy.deepcopy(model)
        WeightedSFTTrainer(trained, training, rows).train()
        yield trained
        return
    trained = with_adapters(model, peft_config, "tuned")
    try:
        WeightedSFTTrainer(trained, training, rows).train()
        yield trained
    finally:
        trained.unload()
