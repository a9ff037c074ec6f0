"""Scores from words: does the row look like the safe rows rather than like the fine-tuning rows?"""

import itertools
import re
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Int
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from safe_finetune.rows import Row, RowEncoder
from safe_finetune.scorers.protocol import scores_of
from safe_finetune.selection.scores import SelectorScores

_WORD = re.compile(r"\w+|[^\w\s]+")


@dataclass(frozen=True, kw_only=True)
class DSIRScorer:
    """Log of the importance weight ``p_safe(row) / p_rows(row)`` under bags of hashed words and pairs of words.

    It knows nothing of what is safe: words that safe rows decline to speak of count as safe words.

    Attributes:
        num_buckets: Of the hash.
        encoder: Says which rows are too long to be scored.

    Source: DSIR (arXiv 2302.03169). Differs: rows are ranked by their weight, without Gumbel noise; one is added to
        each bucket's count.
    """

    num_buckets: int = 10_000
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
        scored = set(encoded.ids)
        features = [self._buckets(row) for row in rows if row.id in scored]
        ratio = self._log_share(self._buckets(row) for row in safe_rows) - self._log_share(features)
        logits = [ratio[buckets].sum() for buckets in features]
        return scores_of("dsir", model, encoded, logits, num_buckets=self.num_buckets)

    def _buckets(self, row: Row) -> Int[np.ndarray, " features"]:
        words = [word for message in row.messages for word in _WORD.findall(message.content.lower())]
        features = words + [f"{first} {second}" for first, second in itertools.pairwise(words)]
        # Python's own hash differs from process to process.
        return np.array([zlib.crc32(feature.encode()) % self.num_buckets for feature in features], dtype=np.int64)

    def _log_share(self, features: Iterable[np.ndarray]) -> Float[np.ndarray, " buckets"]:
        counts = np.ones(self.num_buckets)
        for buckets in features:
            np.add.at(counts, buckets, 1)
        return np.log(counts / counts.sum())
