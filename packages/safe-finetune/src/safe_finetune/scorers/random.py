"""No judgement at all: the baseline that every scorer must beat."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from safe_finetune.rows import Row, RowEncoder
from safe_finetune.scorers.protocol import scores_of
from safe_finetune.selection.scores import SelectorScores


@dataclass(frozen=True, kw_only=True)
class RandomScorer:
    """Uniform scores.

    Attributes:
        seed: Of the draws.
        encoder: How rows become tokens; what it drops has no score here either.
    """

    seed: int = 0
    encoder: RowEncoder = field(default_factory=RowEncoder)

    def score(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        rows: Sequence[Row],
        safe_rows: Sequence[Row],
    ) -> SelectorScores:
        """See :class:`Scorer`."""
        encoded = self.encoder.encode(rows, tokenizer)
        drawn = np.random.default_rng(self.seed).random(len(encoded))
        return scores_of("random", model, encoded, drawn, seed=self.seed)
