"""A seeded random projection of long gradients, in torch alone and without holding its matrix."""

from collections.abc import Iterable

import torch
from jaxtyping import Float
from torch import Tensor

_BLOCK = 1 << 22


class RandomProjection:
    """A sparse projection: every entry goes with a random sign to one random place of a short vector.

    Inner products are kept in the mean, with a standard deviation of at most ``sqrt(2 / width)`` of the product of
    lengths. The cost is one pass over the gradient, whatever the width; a dense matrix of signs costs width passes.
    Signs and places follow from the seed at every call.

    Args:
        width: Of what comes out.
        seed: Of signs and places.

    Source: Charikar et al. 2002 (count sketch). LESS projects by a dense matrix.
    """

    def __init__(self, width: int, seed: int = 0):
        if width < 1:
            raise ValueError(f"`width` must be at least 1, got {width}")
        self.width, self.seed = width, seed

    def __call__(self, parts: Iterable[Tensor]) -> Float[Tensor, " {self.width}"]:
        """Project a gradient given in parts, parameter by parameter."""
        generator: torch.Generator | None = None
        found = torch.zeros(self.width)
        for part in parts:
            if generator is None:
                generator = torch.Generator(part.device).manual_seed(self.seed)
                found = found.to(part.device)
            for piece in part.flatten().float().split(_BLOCK):
                drawn = torch.randint(0, 2 * self.width, piece.shape, generator=generator, device=piece.device)
                found.index_add_(0, drawn // 2, piece * (2 * (drawn % 2) - 1))
        return found
