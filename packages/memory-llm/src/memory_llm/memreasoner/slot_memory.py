"""The memory in which every line is a slot."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from memory_llm.memreasoner.config import MemReasonerConfig
from memory_llm.memreasoner.written import Scored, Written


class SlotMemory(nn.Module):
    """Scores are ``W_q q . W_k z~ / sqrt(C)``.

    Keys are never made: both maps go to the query's side, so that a read touches the ordered latents alone.

    Source: MemReasoner 1.4 (the algebra is ours).
    """

    def __init__(self, config: MemReasonerConfig):
        super().__init__()
        width = config.latent_size
        self.of_query, self.of_line = nn.Linear(width, width, bias=False), nn.Linear(width, width, bias=False)

    def write(self, ordered: Float[Tensor, "batch lines latent"], line_mask: Bool[Tensor, "batch lines"]) -> Written:
        """Keep the lines as they are."""
        return Written(ordered=ordered, line_mask=line_mask)

    def score(self, query: Float[Tensor, "batch latent"], written: Written) -> Scored:
        """Compare queries with all lines."""
        toward_lines = self.of_query(query) @ self.of_line.weight / query.shape[-1] ** 0.5
        return Scored(torch.einsum("blc,bc->bl", written.ordered, toward_lines))
