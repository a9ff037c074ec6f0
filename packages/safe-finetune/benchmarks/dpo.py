"""DPO (Rafailov et al. 2023) through adapters, as what merging is compared with."""

import copy
import tempfile
from collections.abc import Sequence
from itertools import chain
from typing import Any

from torch import Tensor, nn
from torch.nn.functional import logsigmoid
from torch.utils.data import Dataset
from transformers import Trainer, TrainingArguments

from gpu_commons import seed_everything
from safe_finetune.demo.training import LORA_RANK, training_settings
from safe_finetune.rows import EncodedRows, Message, Row, RowEncoder
from safe_finetune.rows.encoded_rows import IGNORED, EncodedRow, collate_rows
from safe_finetune.sft import response_losses
from safe_finetune.sft.adapters import lora_of, with_adapters

BETA = 0.1
"""How much a preference counts against staying near the start."""


def tuned_by_preferences(
    model: Any, tokenizer: Any, rejected: Sequence[Row], preferred: str, *, steps: int, seed: int
) -> Any:
    """A copy of the model that prefers one response to those of the rows."""
    seed_everything(seed)
    chosen = [
        Row(id=row.id, messages=(*row.messages[:-1], Message("assistant", preferred)), place=row.place)
        for row in rejected
    ]
    pairs = Pairs(*(RowEncoder().encode(rows, tokenizer) for rows in (chosen, rejected)))
    trained = with_adapters(copy.deepcopy(model), lora_of(LORA_RANK), "default")
    with tempfile.TemporaryDirectory() as folder:
        settings = training_settings(folder, model, steps=steps, seed=seed)
        args = TrainingArguments(**{**settings, "per_device_train_batch_size": 8, "learning_rate": 3e-4})
        DPOTrainer(trained, args, train_dataset=pairs, data_collator=collate_pairs).train()
    return trained.merge_and_unload()


class Pairs(Dataset[tuple[EncodedRow, EncodedRow]]):
    """Chosen and rejected responses to the same prompts."""

    def __init__(self, chosen: EncodedRows, rejected: EncodedRows):
        self.chosen, self.rejected = chosen, rejected

    def __len__(self) -> int:
        return len(self.chosen)

    def __getitem__(self, index: int) -> tuple[EncodedRow, EncodedRow]:
        return self.chosen[index], self.rejected[index]


def collate_pairs(pairs: Sequence[tuple[EncodedRow, EncodedRow]]) -> dict[str, Tensor]:
    """All chosen ones, then all rejected ones."""
    return collate_rows(list(chain(*zip(*pairs, strict=True))))


class DPOTrainer(Trainer):
    """``-log sigmoid(beta (log-ratio of the chosen less that of the rejected))``; the reference is the base below the
    adapters.
    """

    def compute_loss(self, model: nn.Module, inputs: dict[str, Any], return_outputs: bool = False, **_: Any) -> Any:
        """Mean over pairs."""
        ours = log_likelihoods(model, inputs)
        with model.disable_adapter():
            ratios = ours - log_likelihoods(model, inputs).detach()
        chosen, rejected = ratios.chunk(2)
        return -logsigmoid(BETA * (chosen - rejected)).mean()


def log_likelihoods(model: nn.Module, inputs: dict[str, Any]) -> Tensor:
    """Of whole responses, in nats."""
    logits = model(input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"]).logits
    return -response_losses(logits, inputs["labels"]) * (inputs["labels"][:, 1:] != IGNORED).sum(1)
