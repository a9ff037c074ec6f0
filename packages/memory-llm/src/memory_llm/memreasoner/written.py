"""What a memory makes of lines, and what it has to offer to the hops."""

from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

from jaxtyping import Bool, Float
from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Written:
    """Lines that can be addressed.

    Attributes:
        ordered: Ordered latents z~, 0 for padding.
        line_mask: False for padding.
        matrix: What a matrix memory made of them.
        inverse: Its pseudo-inverse.
        divergence: From its prior, in nats for each row.
    """

    ordered: Float[Tensor, "batch lines latent"]
    line_mask: Bool[Tensor, "batch lines"]
    matrix: Float[Tensor, "batch slots latent"] | None = None
    inverse: Float[Tensor, "batch latent slots"] | None = None
    divergence: Float[Tensor, " batch"] | None = None


class Scored(NamedTuple):
    """Scores of all lines for a query, and what reading them diverged from its prior, in nats for each row."""

    scores: Float[Tensor, "batch lines"]
    divergence: Float[Tensor, " batch"] | None = None


@runtime_checkable
class MemoryBackend(Protocol):
    """A memory that the hops can read."""

    def write(self, ordered: Tensor, line_mask: Tensor) -> Written:
        """Take in ordered latents ``[batch, lines, latent]``."""

    def score(self, query: Tensor, written: Written) -> Scored:
        """Compare queries ``[batch, latent]`` with all lines, padding included."""
