"""The tokens that are tried at a step: the nucleus of the model's distribution, at most K of them."""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor


class Candidates(NamedTuple):
    """Candidate tokens of each row, most probable first.

    Attributes:
        tokens: Token ids; rows with fewer candidates repeat their first one.
        log_p: Log-probabilities renormalised over the row's candidates; -inf marks absent ones.
    """

    tokens: Int[Tensor, "batch candidates"]
    log_p: Float[Tensor, "batch candidates"]


def select_candidates(
    scores: Float[Tensor, "batch vocab"], *, top_p: float | Float[Tensor, " batch"], max_candidates: int
) -> Candidates:
    """The smallest set of most probable tokens whose probability reaches ``top_p``, cut at ``max_candidates``.

    Args:
        scores: Logits or log-probabilities after penalties and temperature; -inf excludes a token.
        top_p: In (0, 1], for all rows or each; 1 keeps every token with a finite score.
        max_candidates: At least 1. The batch is as wide as its largest candidate set, often far narrower than this.
    """
    log_p, tokens = torch.log_softmax(scores.float(), dim=-1).topk(min(max_candidates, scores.shape[-1]), dim=-1)
    probability = log_p.exp()
    reached = probability.cumsum(-1) - probability  # before each token: the first one always stays
    nucleus = torch.as_tensor(top_p, device=scores.device).reshape(-1, 1)
    log_p = log_p.masked_fill(reached >= nucleus, -torch.inf)
    width = int(torch.isfinite(log_p).sum(-1).max())
    tokens, log_p = tokens[:, :width], log_p[:, :width]
    tokens = torch.where(torch.isfinite(log_p), tokens, tokens[:, :1])
    return Candidates(tokens, log_p - torch.logsumexp(log_p, dim=-1, keepdim=True))
