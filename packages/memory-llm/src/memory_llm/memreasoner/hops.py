"""Hops: read the memory, add what was read to the question, and read again."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from memory_llm.memreasoner.addressing import address
from memory_llm.memreasoner.config import MemReasonerConfig
from memory_llm.memreasoner.kanerva_memory import KanervaMemory
from memory_llm.memreasoner.slot_memory import SlotMemory
from memory_llm.memreasoner.written import MemoryBackend, Written


def build_memory(config: MemReasonerConfig) -> SlotMemory | KanervaMemory:
    """The memory that a config names."""
    return SlotMemory(config) if config.memory == "slots" else KanervaMemory(config)


@dataclass(frozen=True, kw_only=True)
class HopTrace:
    """What was read at each hop.

    Attributes:
        scores: Of lines, divided by the temperature.
        weights: Of lines; exactly 0 for padding.
        readouts: ``r_t``, the weighted means of ordered latents.
        hops_taken: Hops of each row; later ones of a row that has halted repeat its last.
        divergence: Of a memory with priors, in nats for each row.
    """

    scores: Float[Tensor, "batch hops lines"]
    weights: Float[Tensor, "batch hops lines"]
    readouts: Float[Tensor, "batch hops latent"]
    hops_taken: Int[Tensor, " batch"]
    divergence: Float[Tensor, " batch"] | None = None


class Hops(nn.Module):
    """``q_t = q_{t-1} + alpha U r_t`` with ``r_t = sum_i w_t[i] z~_i``.

    Attributes:
        temperature: What scores are divided by now; a training run may move it.

    Source: MemReasoner 1.5. Differs: alpha, U and halting are our reading; in training the number of hops is fixed.
    """

    def __init__(self, config: MemReasonerConfig):
        super().__init__()
        self.config = config
        self.temperature = config.addressing_temperature
        self.update = nn.Linear(config.latent_size, config.latent_size, bias=False)
        self.alpha = nn.Parameter(torch.tensor(float(config.hop_alpha)), requires_grad=config.learn_alpha)

    def forward(self, query: Float[Tensor, "batch latent"], memory: MemoryBackend, written: Written) -> HopTrace:
        """Read once for each hop; in use, rows whose question stays as it is halt if the config has ``max_hops``."""
        halts = self.config.max_hops is not None and not self.training
        limit = self.config.max_hops if halts and self.config.max_hops else self.config.num_hops
        steps: list[tuple[Tensor, Tensor, Tensor]] = []
        divergences = [] if written.divergence is None else [written.divergence]
        moving = torch.ones(len(query), dtype=torch.bool, device=query.device)
        taken = torch.zeros(len(query), dtype=torch.long, device=query.device)
        for _ in range(limit):
            scored = memory.score(query, written)
            scores = scored.scores / self.temperature
            weights = address(scores, written.line_mask, self.config.addressing)
            readout = torch.einsum("bl,blc->bc", weights, written.ordered)
            after = query + self.alpha * self.update(readout)
            if scored.divergence is not None:
                divergences.append(scored.divergence)
            taken = taken + moving
            if halts and steps:
                scores, weights, readout = (
                    torch.where(moving[:, None], new, old)
                    for new, old in zip((scores, weights, readout), steps[-1], strict=True)
                )
            if halts:
                moving = moving & ~self._stays(query, after, weights, steps[-1][1] if steps else None)
            steps.append((scores, weights, readout))
            if halts and not bool(moving.any()):
                break
            query = after
        scores, weights, readouts = (torch.stack(parts, dim=1) for parts in zip(*steps, strict=True))
        divergence = torch.stack(divergences).sum(0) if divergences else None
        return HopTrace(scores=scores, weights=weights, readouts=readouts, hops_taken=taken, divergence=divergence)

    def _stays(self, before: Tensor, after: Tensor, weights: Tensor, last_weights: Tensor | None) -> Tensor:
        change = (after - before).norm(dim=-1) / before.norm(dim=-1).clamp(min=torch.finfo(before.dtype).tiny)
        stays = change < self.config.halt_tolerance
        return stays if last_weights is None else stays | (weights.argmax(-1) == last_weights.argmax(-1))
