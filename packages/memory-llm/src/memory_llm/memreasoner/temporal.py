"""What tells a line from the same line earlier or later: latents in their order."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from memory_llm.memreasoner.config import MemReasonerConfig

ROTATION_BASE = 10_000.0


def build_temporal(config: MemReasonerConfig) -> "TemporalEncoding":
    """The encoding that a config names."""
    kinds = {"bigru": Recurrent, "gru": Recurrent, "rope": Rotated, "learned": Learned, "none": TemporalEncoding}
    return kinds[config.temporal](config)


class TemporalEncoding(nn.Module):
    """``z~ = LN(z + f(z))``, so that what a line says is never lost; here f is 0 and lines have no order.

    Source: MemReasoner 1.3 (``z~ = BiGRU(z)``). Differs: the residual form.
    """

    def __init__(self, config: MemReasonerConfig):
        super().__init__()
        self.norm = nn.LayerNorm(config.latent_size)

    def forward(
        self,
        latents: Float[Tensor, "batch lines latent"],
        line_mask: Bool[Tensor, "batch lines"],
        query: Float[Tensor, "batch latent"],
    ) -> Float[Tensor, "batch lines latent"]:
        """Ordered latents; those of padding are 0, and padding moves no other."""
        moved = latents + self.order(latents, line_mask, query)
        return self.norm(moved) * line_mask.unsqueeze(-1)

    def order(self, latents: Tensor, line_mask: Tensor, query: Tensor) -> Tensor:
        """What is added to the latents."""
        return torch.zeros_like(latents)


class Recurrent(TemporalEncoding):
    """A GRU over the lines, forward or in both directions with half the width each, and a linear map.

    With ``query_gated`` a line enters scaled by ``sigmoid(a W z . V q / sqrt(C) + b)``.
    """

    def __init__(self, config: MemReasonerConfig):
        super().__init__(config)
        width, both = config.latent_size, config.temporal == "bigru"
        self.recurrence = nn.GRU(width, width // 2 if both else width, batch_first=True, bidirectional=both)
        self.projection = nn.Linear(width, width, bias=False)
        self.gate = LineGate(width) if config.query_gated else None

    def order(self, latents: Tensor, line_mask: Tensor, query: Tensor) -> Tensor:
        if self.gate is not None:
            latents = latents * self.gate(latents, query)
        if bool(line_mask.all()):
            return self.projection(self.recurrence(latents)[0])
        # Lines to the front, so that lengths say all, even if the caller masks out a line between others.
        places = (~line_mask).long().argsort(dim=1, stable=True).unsqueeze(-1).expand_as(latents)
        packed = nn.utils.rnn.pack_padded_sequence(
            latents.gather(1, places), line_mask.sum(1).cpu(), batch_first=True, enforce_sorted=False
        )
        states, _ = nn.utils.rnn.pad_packed_sequence(
            self.recurrence(packed)[0], batch_first=True, total_length=latents.shape[1]
        )
        return self.projection(torch.zeros_like(latents).scatter(1, places, states))


class LineGate(nn.Module):
    """How much of each line a question lets in, from 0 to 1."""

    def __init__(self, width: int):
        super().__init__()
        self.of_line, self.of_query = nn.Linear(width, width, bias=False), nn.Linear(width, width, bias=False)
        self.openness = nn.Parameter(torch.ones(()))  # open at first

    def forward(
        self, latents: Float[Tensor, "batch lines latent"], query: Float[Tensor, "batch latent"]
    ) -> Float[Tensor, "batch lines 1"]:
        """Gates of all lines."""
        likeness = torch.einsum("blc,bc->bl", self.of_line(latents), self.of_query(query)) / latents.shape[-1] ** 0.5
        return torch.sigmoid(likeness + self.openness).unsqueeze(-1)


class Rotated(TemporalEncoding):
    """Pairs of coordinates turned by an angle that grows with the distance from the last line, and a linear map.

    Counting from the end keeps recent lines, of which "where is Mary now" asks, in angles known from training.
    """

    def __init__(self, config: MemReasonerConfig):
        super().__init__(config)
        self.projection = nn.Linear(config.latent_size, config.latent_size, bias=False)

    def order(self, latents: Tensor, line_mask: Tensor, query: Tensor) -> Tensor:
        half = latents.shape[-1] // 2
        speeds = ROTATION_BASE ** (-torch.arange(half, device=latents.device) / half)
        angles = distance_from_last(line_mask).unsqueeze(-1) * speeds
        cosine, sine = angles.cos().to(latents.dtype), angles.sin().to(latents.dtype)
        left, right = latents.split(half, dim=-1)
        return self.projection(torch.cat([left * cosine - right * sine, right * cosine + left * sine], dim=-1))


class Learned(TemporalEncoding):
    """A learnt vector for each distance from the last line."""

    def __init__(self, config: MemReasonerConfig):
        super().__init__(config)
        self.places = nn.Embedding(config.max_lines, config.latent_size)
        nn.init.normal_(self.places.weight, std=0.02)

    def order(self, latents: Tensor, line_mask: Tensor, query: Tensor) -> Tensor:
        return self.places(distance_from_last(line_mask))


def distance_from_last(line_mask: Bool[Tensor, "batch lines"]) -> Int[Tensor, "batch lines"]:
    """Lines between each line and the last, padding not counted; 0 for padding at the end."""
    return line_mask.flip(1).long().cumsum(1).flip(1).sub(1).clamp(min=0)
