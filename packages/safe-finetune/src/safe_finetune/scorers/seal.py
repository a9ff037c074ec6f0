"""SEAL as a scorer."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from safe_finetune.rows import Row, RowEncoder
from safe_finetune.seal import SealConfig, SealTrainer
from safe_finetune.selection.scores import SelectorScores


@dataclass(frozen=True, kw_only=True)
class SealScorer:
    """Runs :class:`SealTrainer` and takes its scores.

    Attributes:
        training: Settings of the run.
        peft_config: Of its adapters; without it copies of the model are trained.
        encoder: How rows become tokens.
        resume: Go on from the last checkpoint in ``training.output_dir``.
    """

    training: SealConfig
    peft_config: Any = None
    encoder: RowEncoder = field(default_factory=RowEncoder)
    resume: bool = False

    def score(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        rows: Sequence[Row],
        safe_rows: Sequence[Row],
    ) -> SelectorScores:
        """See :class:`Scorer`."""
        encoded, safe = self.encoder.encode(rows, tokenizer), self.encoder.encode(safe_rows, tokenizer)
        # Without adapters theta is what it is given; the caller's model must stay as it is.
        aligned = copy.deepcopy(model) if self.peft_config is None else model
        trainer = SealTrainer(aligned, self.training, encoded, safe, peft_config=self.peft_config)
        try:
            trainer.train(resume_from_checkpoint=self.resume)
            return trainer.scores
        finally:
            trainer.model.unload()
