"""Scores from losses: under the given model, under a safe-tuned one, and what that loses more than a task-tuned one."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from jaxtyping import Float
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase, TrainingArguments

from safe_finetune.rows import EncodedRows, Row, RowEncoder
from safe_finetune.scorers.protocol import scores_of
from safe_finetune.scorers.tuned import tuned
from safe_finetune.selection.scores import SelectorScores
from safe_finetune.sft.row_losses import row_losses


@dataclass(frozen=True, kw_only=True)
class LossScorer:
    """Minus the loss under the given model: what an aligned model finds likely is kept.

    Attributes:
        encoder: How rows become tokens.
        batch_size: Of the forward passes.
    """

    encoder: RowEncoder = field(default_factory=RowEncoder)
    batch_size: int = 16

    def score(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        rows: Sequence[Row],
        safe_rows: Sequence[Row],
    ) -> SelectorScores:
        """See :class:`Scorer`."""
        encoded = self.encoder.encode(rows, tokenizer)
        losses = row_losses(model, encoded, batch_size=self.batch_size)
        return scores_of("loss", model, encoded, -losses, losses=losses)


@dataclass(frozen=True, kw_only=True)
class SafeTunedLossScorer:
    """Minus the loss under a model tuned on the safe rows.

    What memory-efficient SEAL comes down to with the released settings, and so the baseline it must beat.

    Attributes:
        training: Settings of the tuning.
        peft_config: Of its adapters; without it a copy of the model is tuned.
        encoder: How rows become tokens.
        batch_size: Of the forward passes.
    """

    training: TrainingArguments
    peft_config: Any = None
    encoder: RowEncoder = field(default_factory=RowEncoder)
    batch_size: int = 16

    def score(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        rows: Sequence[Row],
        safe_rows: Sequence[Row],
    ) -> SelectorScores:
        """See :class:`Scorer`."""
        encoded, safe = self.encoder.encode(rows, tokenizer), self.encoder.encode(safe_rows, tokenizer)
        losses = self.losses_after(safe, encoded, model)
        return scores_of("safe_tuned_loss", model, encoded, -losses, losses=losses, training=_told(self.training))

    def losses_after(self, learnt: EncodedRows, asked: EncodedRows, model: PreTrainedModel) -> Float[Tensor, " rows"]:
        """Losses on some rows after tuning on others."""
        with tuned(model, learnt, self.training, self.peft_config) as trained:
            return row_losses(trained, asked, batch_size=self.batch_size)


@dataclass(frozen=True, kw_only=True)
class ExcessLossScorer(SafeTunedLossScorer):
    """Minus what a safe-tuned model loses more than one tuned on the fine-tuning rows, both tuned alike.

    A row that is hard for both is not held against it. SEAL with the value function compares two such models too, while
    they are trained.
    """

    def score(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        rows: Sequence[Row],
        safe_rows: Sequence[Row],
    ) -> SelectorScores:
        """See :class:`Scorer`."""
        encoded, safe = self.encoder.encode(rows, tokenizer), self.encoder.encode(safe_rows, tokenizer)
        losses = self.losses_after(safe, encoded, model)
        excess = losses - self.losses_after(encoded, encoded, model)
        return scores_of("excess_loss", model, encoded, -excess, losses=losses, training=_told(self.training))


def _told(training: TrainingArguments) -> dict[str, Any]:
    names = ("learning_rate", "num_train_epochs", "max_steps", "per_device_train_batch_size", "seed")
    return {name: getattr(training, name) for name in names}
