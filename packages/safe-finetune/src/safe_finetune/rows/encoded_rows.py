"""Tokenised rows, and batches of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from jaxtyping import Int
from torch import Tensor
from torch.utils.data import Dataset

IGNORED = -100


class EncodedRow(NamedTuple):
    """Where the row stands among its set (0-based), its token ids, and how many of them are its prompt's."""

    number: int
    input_ids: list[int]
    num_prompt_tokens: int


@dataclass(frozen=True, kw_only=True)
class EncodedRows(Dataset[EncodedRow]):
    """Rows as token ids; item ``i`` belongs to ``ids[i]``.

    Attributes:
        ids, places, weights: Of the rows, in their order.
        token_ids: Prompt and response of each.
        prompt_lengths: How many of its tokens are a row's prompt.
        dropped: Ids of rows that were left out because ``max_length`` leaves nothing of their response.
        fingerprint: Of the rows that are here (:func:`rows_fingerprint`).
        tokenizer_fingerprint: Of the tokenizer.
    """

    ids: tuple[str, ...]
    places: tuple[str, ...]
    weights: tuple[float, ...]
    token_ids: list[list[int]] = field(repr=False)
    prompt_lengths: list[int] = field(repr=False)
    dropped: tuple[str, ...]
    fingerprint: str
    tokenizer_fingerprint: str

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int) -> EncodedRow:
        return EncodedRow(index, self.token_ids[index], self.prompt_lengths[index])

    def check_vocabulary(self, vocab_size: int) -> None:
        """Refuse token ids that the model has no embedding for.

        Raises:
            ValueError: With the first such row's place and both sizes.
        """
        for place, tokens in zip(self.places, self.token_ids, strict=True):
            if max(tokens) >= vocab_size:
                raise ValueError(
                    f"{place}: has token id {max(tokens)}, but the model's vocabulary has {vocab_size} ids (from 0); "
                    "use the model's own tokenizer, or resize its embeddings."
                )


def collate_rows(rows: Sequence[EncodedRow]) -> dict[str, Int[Tensor, "..."]]:
    """A batch padded on the right: ``input_ids``, ``attention_mask``, ``labels`` (rows x tokens) and ``row_index``.

    Labels are -100 but on responses. Pads are token 0, which the mask hides.
    """
    length = max(len(row.input_ids) for row in rows)
    input_ids = torch.zeros(len(rows), length, dtype=torch.long)
    attention_mask = torch.zeros(len(rows), length, dtype=torch.long)
    labels = torch.full((len(rows), length), IGNORED)
    for at, row in enumerate(rows):
        tokens = torch.tensor(row.input_ids)
        input_ids[at, : len(tokens)] = tokens
        attention_mask[at, : len(tokens)] = 1
        labels[at, row.num_prompt_tokens : len(tokens)] = tokens[row.num_prompt_tokens :]
    row_index = torch.tensor([row.number for row in rows])
    return {"input_ids": input_ids, "attention_mask": attention_mask, "labels": labels, "row_index": row_index}
