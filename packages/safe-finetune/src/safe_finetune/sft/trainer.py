"""transformers' Trainer over encoded rows, each with the weight of its loss."""

from typing import Any

from torch import nn
from torch.utils.data import Dataset
from transformers import Trainer, TrainingArguments

from safe_finetune.rows.encoded_rows import EncodedRow, EncodedRows, collate_rows
from safe_finetune.sft.row_losses import check_losses, losses_under, response_losses
from safe_finetune.sft.streams import CyclicOrder, longest, stream_loader


class WeightedSFTTrainer(Trainer):
    """Fine-tuning on ``mean_i w_i * loss_i``: means over a step's rows, losses as :func:`response_losses` has them.

    Weights are the rows' own (column ``weight``; 1 where there is none) and are not normalised. Every row counts alike,
    however long its response; transformers' own loss counts tokens. An epoch is filled up to whole steps, so that
    results do not depend on the number of processes.

    Args:
        model: A causal language model of transformers, or a peft model of one.
        args: Of transformers.
        train_dataset: Encoded rows.
        more: Of ``Trainer``.
    """

    def __init__(self, model: Any, args: TrainingArguments, train_dataset: EncodedRows, **more: Any):
        if not isinstance(train_dataset, EncodedRows):
            raise TypeError(
                f"`train_dataset` must be EncodedRows, got {type(train_dataset).__name__}; use RowEncoder().encode"
            )
        train_dataset.check_vocabulary(model.get_input_embeddings().num_embeddings)
        super().__init__(model, args, train_dataset=train_dataset, **more)
        self.model_accepts_loss_kwargs = False  # the loss is ours: a mean over the micro-batch

    def get_train_dataloader(self) -> Any:
        """Rows in seeded order, steps full."""
        dataset = _Positions(self.train_dataset, self.args.seed)
        return stream_loader(self, len(self.train_dataset), dataset, collate_rows, lambda row: longest([row]))

    def compute_loss(self, model: nn.Module, inputs: dict[str, Any], return_outputs: bool = False, **_: Any) -> Any:
        """Weighted mean over the batch.

        Raises:
            ValueError: If a row's loss is not finite; nothing is learnt from its step, and earlier checkpoints stay.
        """
        outputs = None
        if return_outputs:  # an evaluation may want all logits
            outputs = model(input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"])
            losses = response_losses(outputs.logits, inputs["labels"])
        else:
            losses = losses_under(model, inputs)
        rows = inputs["row_index"].tolist()
        check_losses(losses, [self.train_dataset.places[row] for row in rows], f" at step {self.state.global_step + 1}")
        weights = losses.new_tensor([self.train_dataset.weights[row] for row in rows])
        loss = (weights * losses).mean()
        return (loss, outputs) if return_outputs else loss


class _Positions(Dataset[EncodedRow]):
    def __init__(self, rows: EncodedRows, seed: int):
        self.rows = rows
        self.order = CyclicOrder(len(rows), seed)

    def __getitem__(self, position: int) -> EncodedRow:
        return self.rows[self.order[position]]
