"""Who sees whom where chunks and a question are read in one pass."""

import torch
from jaxtyping import Bool, Int
from torch import Tensor

HEADER, QUESTION = -1, -2
"""Parts of tokens that are of no chunk; the answer is of the question."""


def chunk_mask(
    parts: Int[Tensor, "batch tokens"], attention_mask: Int[Tensor, "batch tokens"], *, apart: bool
) -> Bool[Tensor, "batch 1 tokens tokens"]:
    """True where a token sees another one, which is itself or comes before.

    Args:
        parts: Of each token: its chunk's number, or that it is of the header or of the question.
        attention_mask: 1 for tokens, 0 for padding, which is seen by itself alone.
        apart: Chunks see the header and themselves and not each other, as if they had been read apart.
    """
    tokens = parts.shape[1]
    own = torch.eye(tokens, dtype=torch.bool, device=parts.device)
    sees = torch.ones_like(own).tril() & (attention_mask.bool()[:, None, :] | own)
    if apart:
        together = parts[:, :, None] == parts[:, None, :]
        sees = sees & (together | (parts == QUESTION)[:, :, None] | (parts == HEADER)[:, None, :])
    return sees[:, None]
