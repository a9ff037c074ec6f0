"""What every scorer is, and the metadata that its scores carry."""

import importlib.metadata
from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from gpu_commons import model_fingerprint
from safe_finetune.rows import EncodedRows, Row
from safe_finetune.selection.scores import SelectorScores


@runtime_checkable
class Scorer(Protocol):
    """Scores fine-tuning rows; a scorer's fields are its settings."""

    def score(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        rows: Sequence[Row],
        safe_rows: Sequence[Row],
    ) -> SelectorScores:
        """A score for each row; higher is kept first.

        Args:
            model: The aligned model; it has the same weights afterwards.
            tokenizer: Of the model.
            rows: Fine-tuning rows.
            safe_rows: Trusted rows.
        """
        ...


def scores_of(
    method: str, model: PreTrainedModel, rows: EncodedRows, logits: Any, *, losses: Any = None, **config: Any
) -> SelectorScores:
    """Scores of a scorer that looks at every row once, with what they were made from."""
    return SelectorScores.of_one_pass(
        rows.ids,
        logits,
        losses=losses,
        method=method,
        dataset_fingerprint=rows.fingerprint,
        tokenizer_fingerprint=rows.tokenizer_fingerprint,
        model=getattr(model.config, "name_or_path", "") or model.config.model_type,
        model_fingerprint=model_fingerprint(model),
        config=config,
        version=importlib.metadata.version("safe-finetune"),
    )
