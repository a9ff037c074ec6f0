"""A cache beside `generate`'s own, which reads the text that is being written."""

import torch
from jaxtyping import Bool, Int
from torch import Tensor
from transformers import PreTrainedModel

from gpu_commons import Branches, open_branches


class OwnContext:
    """Branches that follow a growing batch of texts, one more pass a token.

    Args:
        model: Reads them; not necessarily all of the model that writes.
        plan: See :func:`gpu_commons.open_branches`.
    """

    def __init__(self, model: PreTrainedModel, plan: str):
        self._branches: Branches = open_branches(model, plan=plan)
        self._texts: Tensor | None = None

    def follow(self, texts: Int[Tensor, "rows total"], columns: Bool[Tensor, "rows total"]) -> Branches:
        """Read what is new in the texts; rows may have moved, or grown out of another, since the last call.

        Args:
            texts: Token ids, padded on the left.
            columns: Which of them are tokens.

        Raises:
            ValueError: If a row does not continue any text of the last call.
        """
        read = 0
        if self._texts is not None:
            read = self._texts.shape[1]
            if not torch.equal(texts[:, :read], self._texts):
                self._branches.select(_rows_of(texts[:, :read], self._texts))
        self._branches.prefill(texts[:, read:], columns[:, read:])
        self._texts = texts
        return self._branches


def _rows_of(texts: Int[Tensor, "rows width"], last: Int[Tensor, "last_rows last_width"]) -> Int[Tensor, " rows"]:
    """Which of the last texts each is."""
    same = (texts[:, None] == last).all(-1) if texts.shape[1] == last.shape[1] else last.new_zeros(len(texts), 1).bool()
    if not same.any(-1).all():
        raise ValueError(
            "`input_ids` do not continue the texts of the last call; make a new processor for each call of `generate`."
        )
    return same.long().argmax(-1)
