"""A second reading of the texts that ``generate`` writes: by another model, or behind another opening."""

import torch
from jaxtyping import Float, Int
from torch import Tensor
from transformers import PreTrainedModel

from gpu_commons import open_branches
from gpu_commons.projection import check_projection, project


class SecondPass:
    """Next-token logits of the same growing texts as another reader sees them, at one forward pass a token.

    Serves one ``generate`` call: the prompts are read once at the first step, then every step's new token. Rows that
    were repeated for several sequences and beams that changed places are followed by their tokens.

    Args:
        model: Reads the texts.
        input_ids: What it reads first, padded on the left; may be longer or shorter than the prompts of the
            ``generate`` call.
        attention_mask: 1 for its tokens, 0 for padding.
        prompt_columns: Columns of the prompts of the ``generate`` call; what follows them is new text.

    Raises:
        ValueError: If the prompts are padded on the right, or the model post-processes its logits in an unknown way.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        input_ids: Int[Tensor, "batch opening"],
        attention_mask: Int[Tensor, "batch opening"],
        *,
        prompt_columns: int,
    ):
        check_projection(model, "compare it with other methods instead")
        self._model, self._branches = model, open_branches(model)
        self._opening = (input_ids.to(model.device), attention_mask.to(model.device))
        self._columns_before = prompt_columns
        self._read: Tensor | None = None

    @torch.no_grad()
    def logits(self, input_ids: Int[Tensor, "rows total"]) -> Float[Tensor, "rows vocab"]:
        """Logits of the token after ``input_ids``, float32, on the device of ``input_ids``.

        Args:
            input_ids: Prompts and text so far as ``generate`` gives them to a processor: one column more than at the
                last call.
        """
        texts = input_ids.to(self._model.device)
        if texts.shape[1] != self._columns_before:
            raise ValueError(
                f"the text has {texts.shape[1]} columns where {self._columns_before} were expected; "
                "make a new processor for every `generate`."
            )
        hidden = self._first(len(texts)) if self._read is None else self._next(texts, self._read)
        self._read, self._columns_before = texts, texts.shape[1] + 1
        return project(self._model, hidden).float().to(input_ids.device)

    def _first(self, rows: int) -> Float[Tensor, "rows hidden"]:
        hidden = self._branches.prefill(*self._opening)
        batch = len(hidden)
        repeats = torch.arange(batch, device=hidden.device).repeat_interleave(rows // batch)
        if rows > batch:
            self._branches.select(repeats)
        return hidden[repeats]

    def _next(self, texts: Int[Tensor, "rows total"], read: Int[Tensor, "rows before"]) -> Float[Tensor, "rows hidden"]:
        if not torch.equal(texts[:, :-1], read):
            self._branches.select(_parents(texts[:, :-1], read))
        hidden = self._branches.branch(texts[:, -1:])[:, 0]
        self._branches.keep(torch.zeros_like(texts[:, 0]))
        return hidden


def _parents(texts: Int[Tensor, "rows before"], read: Int[Tensor, "rows before"]) -> Int[Tensor, " rows"]:
    """Which row of ``read`` each text continues; rows with equal tokens have equal caches, so any of them will do."""
    same = (texts[:, None] == read).all(-1)
    if not same.any(-1).all():
        raise ValueError("the texts do not continue what was read before; make a new processor for every `generate`.")
    return same.long().argmax(-1)
