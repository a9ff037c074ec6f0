"""A seeded random projection of long gradients, in torch alone and without ever holding its matrix."""

from collections.abc import Iterable

import torch
from jaxtyping import Float
from torch import Tensor


class RandomProjection:
    """Johnson-Lindenstrauss projection by random signs; inner products are kept up to about ``1 / sqrt(width)``.

    Signs are drawn block by block from the seed, the same at every call.

    Args:
        width: Of what comes out.
        seed: Of the signs.
        block: Entries of a gradient that are projected at once; ``block * width`` signs are held.
    """

    def __init__(self, width: int, seed: int = 0, block: int = 4096):
        if width < 1:
            raise ValueError(f"`width` must be at least 1, got {width}")
        self.width, self.seed, self.block = width, seed, block

    def __call__(self, parts: Iterable[Float[Tensor, "rows ..."]]) -> Float[Tensor, "rows {self.width}"]:
        """Project gradients given in parts, each ``rows x`` the shape of its parameter."""
        generator: torch.Generator | None = None
        found: Tensor | None = None
        for part in parts:
            if generator is None:
                generator = torch.Generator(part.device).manual_seed(self.seed)
                found = torch.zeros(len(part), self.width, device=part.device)
            for piece in part.flatten(1).float().split(self.block, dim=1):
                shape = (piece.shape[1], self.width)
                signs = torch.randint(0, 2, shape, generator=generator, device=piece.device, dtype=torch.int8)
                found = found + piece @ (2 * signs - 1).float()
        if found is None:
            raise ValueError("there are no parameters whose gradients could be projected")
        return found / self.width**0.5
