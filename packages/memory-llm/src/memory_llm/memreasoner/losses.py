"""The parts of the loss, each a mean over all its items on all ranks."""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from memory_llm.memreasoner.addressing import address_loss
from memory_llm.memreasoner.config import MemReasonerConfig
from memory_llm.memreasoner.hops import HopTrace
from memory_llm.memreasoner.prefix_decoder import PrefixDecoder
from memory_llm.training.rank_mean import mean_over_ranks

UNLABELLED = -100


def token_loss(logits: Float[Tensor, "*batch tokens words"], labels: Int[Tensor, "*batch tokens"]) -> Float[Tensor, ""]:
    """Cross-entropy of the next tokens, in nats.

    Args:
        logits: At every token.
        labels: The tokens themselves where they are to be predicted from those before, -100 elsewhere.
    """
    logits, wanted = logits[..., :-1, :], labels[..., 1:]
    chosen = wanted != UNLABELLED
    return mean_over_ranks(nn.functional.cross_entropy(logits[chosen].float(), wanted[chosen], reduction="none"))


def hop_loss(trace: HopTrace, supporting_facts: Int[Tensor, "batch labelled"], kind: str) -> Float[Tensor, ""]:
    """How far the weights of each hop are from its labelled line; 0 without labels.

    Args:
        trace: Of as many hops as there are columns of labels, or more.
        supporting_facts: Numbers of lines (0-based) in hop order, -100 where there is no label.
        kind: Of the addressing.
    """
    hops = supporting_facts.shape[1]
    rows, steps = (supporting_facts != UNLABELLED).nonzero(as_tuple=True)
    scores, weights = trace.scores[:, :hops], trace.weights[:, :hops]
    found = address_loss(scores[rows, steps], weights[rows, steps], supporting_facts[rows, steps], kind)
    return mean_over_ranks(found.flatten())


def decode_loss(
    decoder: PrefixDecoder, latents: Float[Tensor, "texts latent"], texts: dict[str, Tensor]
) -> Float[Tensor, ""]:
    """Of saying texts (``input_ids``, ``attention_mask``, ``labels``) from a latent each."""
    there = torch.ones(len(latents), 1, dtype=torch.bool, device=latents.device)
    output = decoder(texts["input_ids"], texts["attention_mask"], latents.unsqueeze(1), there)
    return token_loss(output.logits, texts["labels"])


def hop_parts(
    config: MemReasonerConfig,
    decoder: PrefixDecoder,
    trace: HopTrace,
    supporting_facts: Tensor | None,
    fact_decoding: dict[str, Tensor] | None,
) -> dict[str, tuple[float, Tensor]]:
    """Weights and losses, by name, of what hops read: of labelled lines ("sf") and of a memory with priors ("kl").

    Source: MemReasoner 1.7; with ``sf_loss='decode'`` labelled lines are said from the ordered readouts, as an earlier
    version of the paper may have it.
    """
    parts: dict[str, tuple[float, Tensor]] = {}
    if config.sf_loss == "attention" and supporting_facts is not None:
        parts["sf"] = (config.sf_weight, hop_loss(trace, supporting_facts, config.addressing))
    if config.sf_loss == "decode" and fact_decoding is not None:
        read = trace.readouts[fact_decoding["row"], fact_decoding["hop"]]
        parts["sf"] = (config.sf_weight, decode_loss(decoder, read, fact_decoding))
    if trace.divergence is not None:
        parts["kl"] = (config.kl_weight, mean_over_ranks(trace.divergence))
    return parts
