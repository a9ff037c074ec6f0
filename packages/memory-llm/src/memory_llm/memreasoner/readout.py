"""From the hops to the latents that the decoder is given."""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from memory_llm.memreasoner.hops import HopTrace


class Readout(NamedTuple):
    """Unordered latents for the decoder, in the order of reading; False in ``mask`` where a memory has fewer lines."""

    latents: Float[Tensor, "batch read latent"]
    mask: Bool[Tensor, "batch read"]


def read_out(
    trace: HopTrace,
    latents: Float[Tensor, "batch lines latent"],
    line_mask: Bool[Tensor, "batch lines"],
    *,
    mode: str,
    top_lines: int = 1,
) -> Readout:
    """What the last hop has found, as lines say it without their order.

    Args:
        trace: Of the hops.
        latents: Unordered latents z of the lines.
        line_mask: False for padding.
        mode: "soft" is the mean of latents by weight; "hard" the latent of the line with most weight, whose gradient is
            that of the soft one; "topk" the latents of the lines with most weight in any hop, each scaled by its weight
            relative to the best, so that lines of no weight vanish and there is a gradient. They come in the order of
            the hops in which they weigh most.
        top_lines: For "topk".

    Source: MemReasoner 1.5: soft in training, one latent in use, picked by its similarity to the last readout. Differs:
    picked by the weight of the last hop, since readouts are of ordered latents; "topk" is ours.
    """
    weights = trace.weights[:, -1]
    if mode == "topk":
        return _top(trace, latents, line_mask, min(top_lines, latents.shape[1]))
    if mode == "hard":
        picked = torch.zeros_like(weights).scatter(1, weights.argmax(1, keepdim=True), 1.0)
        weights = picked + weights - weights.detach()
    latent = torch.einsum("bl,blc->bc", weights, latents)
    return Readout(latent.unsqueeze(1), torch.ones_like(line_mask[:, :1]))


def _top(trace: HopTrace, latents: Tensor, line_mask: Tensor, count: int) -> Readout:
    weights, hops = trace.weights.max(1)
    best = weights.masked_fill(~line_mask, -1.0).topk(count, dim=1).indices
    shares = weights.gather(1, best)
    shares = shares / shares[:, :1].clamp(min=torch.finfo(shares.dtype).tiny)
    picked = latents.gather(1, best.unsqueeze(-1).expand(-1, -1, latents.shape[-1])) * shares.unsqueeze(-1)
    mask = line_mask.gather(1, best)
    # In the order of reading: a decoder that lists what was found says it in that order.
    order = torch.where(mask, hops.gather(1, best), trace.weights.shape[1]).argsort(dim=1, stable=True)
    return Readout(picked.gather(1, order.unsqueeze(-1).expand_as(picked)), mask.gather(1, order))
