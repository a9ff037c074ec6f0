"""Which chunks a question attends to, and how far the gate of each is open."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from memory_llm.epman.config import EpMANConfig

NOISY_FROM, NOISY_TO = 0.9, 1.0
NOISE_SLOPE = 0.2


@dataclass(frozen=True, eq=False)
class Selection:
    """Chunks that a question attends to, in the order in which they lie before it.

    Attributes:
        chunks: Their numbers.
        gates: One for each, in [0, 1].
        found: Chunks that the retriever put first, best first.
        scores: Of these.

    Raises:
        ValueError: If a gate is outside [0, 1].
    """

    chunks: Int[Tensor, " selected"]
    gates: Float[Tensor, " selected"]
    found: Int[Tensor, " found"]
    scores: Float[Tensor, " found"]

    def __post_init__(self) -> None:
        check_gates(self.gates)


def check_gates(gates: Float[Tensor, "..."]) -> None:
    """See that gates are gates.

    Raises:
        ValueError: If one is outside [0, 1] or is not a number.
    """
    outside = ~((gates >= 0) & (gates <= 1))
    if bool(outside.any()):
        place = outside.nonzero()[0].tolist()
        raise ValueError(f"the gate at {place} is {float(gates[outside][0])}; gates must be from 0 to 1.")


def select(
    scores: Float[Tensor, " chunks"],
    config: EpMANConfig,
    *,
    documents: Int[Tensor, " chunks"] | None = None,
    generator: torch.Generator | None = None,
) -> Selection:
    """Select chunks by a question's scores.

    Args:
        scores: Of all chunks, from any retriever; higher is better.
        config: Scope, gates and layout.
        documents: Number of each chunk's document; neighbours are of the same one. One document if absent.
        generator: Of noisy gates and of the order they are for.

    Raises:
        ValueError: If there are no chunks, or a score is not finite.

    Source: EpMAN 1.3 and 1.5. Noisy gates are a falling ramp from 1 to 0.9, jittered by 0.2 of its length, dealt out at
    random, and chunks are shuffled, so that neither gate nor place tells which one is relevant: our reading of what is
    public. What Broad keeps beside each other stays so, as a fact across a border could not be learnt otherwise.
    """
    if not len(scores):
        raise ValueError("the memory holds no chunks; write a document first.")
    if not bool(scores.isfinite().all()):
        row = int((~scores.isfinite()).nonzero()[0])
        raise ValueError(f"the retriever scored chunk {row} with {float(scores[row])}; scores must be finite.")
    best = scores.float().topk(min(config.top_chunks, len(scores)))
    gate = torch.zeros(len(scores))
    gate[best.indices] = _gates(best.values, config, generator)
    attended = torch.zeros(len(scores), dtype=torch.bool)
    attended[best.indices] = True
    documents = torch.zeros(len(scores), dtype=torch.long) if documents is None else documents
    if config.attn_scope == "broad":
        gate, attended = _with_neighbours(gate, attended, documents)
    if config.layout == "full":
        attended = torch.ones_like(attended)
    chunks = attended.nonzero().flatten()
    if config.a_mem_mode == "noisy":
        chunks = _shuffled(chunks, documents, config, generator)
    return Selection(chunks=chunks, gates=gate[chunks], found=best.indices, scores=best.values)


def _gates(
    scores: Float[Tensor, " found"], config: EpMANConfig, generator: torch.Generator | None
) -> Float[Tensor, " found"]:
    """Gates of the chunks found, whose scores fall."""
    if config.a_mem_mode == "uniform":
        return torch.ones_like(scores)
    if config.a_mem_mode == "noisy":
        ramp = torch.linspace(NOISY_TO, NOISY_FROM, len(scores))
        jitter = NOISE_SLOPE * (NOISY_TO - NOISY_FROM) * (torch.rand(len(scores), generator=generator) - 0.5)
        return (ramp + jitter).clamp(NOISY_FROM, NOISY_TO)[torch.randperm(len(scores), generator=generator)]
    if config.exact_weights == "softmax":
        return torch.softmax(scores / config.exact_temperature, dim=0)
    width = scores[0] - scores[-1]
    return torch.ones_like(scores) if width <= 0 else (scores - scores[-1]) / width


def _shuffled(
    chunks: Int[Tensor, " selected"],
    documents: Int[Tensor, " chunks"],
    config: EpMANConfig,
    generator: torch.Generator | None,
) -> Int[Tensor, " selected"]:
    """Runs of neighbours in a random order; in the narrow scope every chunk is a run."""
    begins = torch.ones_like(chunks, dtype=torch.bool)
    if config.attn_scope == "broad":
        of_document = documents[chunks]
        begins[1:] = (chunks[1:] != chunks[:-1] + 1) | (of_document[1:] != of_document[:-1])
    place = torch.randperm(int(begins.sum()), generator=generator)[begins.cumsum(0) - 1]
    return chunks[place.argsort(stable=True)]


def _with_neighbours(
    gate: Float[Tensor, " chunks"], attended: Bool[Tensor, " chunks"], documents: Int[Tensor, " chunks"]
) -> tuple[Float[Tensor, " chunks"], Bool[Tensor, " chunks"]]:
    """The chunks before and after as well, with the gate of the one that pulled them in, the larger of two."""
    wide_gate, wide = gate.clone(), attended.clone()
    together = documents[1:] == documents[:-1]
    for here, there in ((slice(1, None), slice(None, -1)), (slice(None, -1), slice(1, None))):
        pulls = attended[there] & together
        wide[here] |= pulls
        pulled = torch.where(pulls & ~attended[here], gate[there], 0.0)
        wide_gate[here] = torch.maximum(wide_gate[here], pulled)
    return wide_gate, wide
