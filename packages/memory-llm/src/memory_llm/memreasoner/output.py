"""What a forward pass of a MemReasoner gives."""

from dataclasses import dataclass

from torch import Tensor
from transformers import Cache
from transformers.utils import ModelOutput


@dataclass
class MemReasonerOutput(ModelOutput):
    """Loss, its parts, and what they come from.

    Attributes:
        loss: The weighted sum of the parts below, if there are labels.
        answer_loss: Of the answer's tokens, in nats.
        ae_loss: Of lines decoded from their own latents.
        sf_loss: Of labelled lines.
        kl_loss: Divergence of a matrix memory from its priors.
        logits: Of the next tokens.
        hop_weights: Weights of lines at each hop, ``[batch, hops, lines]``.
        hops_taken: Hops of each row.
        cache: Of these tokens and what came before.
    """

    loss: Tensor | None = None
    answer_loss: Tensor | None = None
    ae_loss: Tensor | None = None
    sf_loss: Tensor | None = None
    kl_loss: Tensor | None = None
    logits: Tensor | None = None
    hop_weights: Tensor | None = None
    hops_taken: Tensor | None = None
    cache: Cache | None = None
