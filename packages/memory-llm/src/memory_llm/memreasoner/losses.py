"""The parts of the loss, each a mean over all its items on all ranks."""

from jaxtyping import Float, Int
from torch import Tensor, nn

from memory_llm.memreasoner.addressing import address_loss
from memory_llm.memreasoner.hops import HopTrace
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
