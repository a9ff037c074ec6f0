"""The soft distance to a protein's atoms, and its gradient."""

import torch
from jaxtyping import Float
from torch import Tensor

from protein_fitness.neighbours import nearest as nearest_points

BLOCK = 2**12
"""Points computed at a time, so that what is held stays in the cache."""


def soft_distance(
    points: Float[Tensor, "points 3"],
    atoms: Float[Tensor, "atoms 3"],
    widths: Float[Tensor, " atoms"],
    nearest: int | None = 16,
) -> tuple[Float[Tensor, " points"], Float[Tensor, "points 3"]]:
    """How far points are from the atoms, smoothly: D(x) = -s(x) log sum_k exp(-|x - a_k| / w_k).

    The local width s(x) = sum_k softmax_k(-|x - a_k|) w_k is that of the atoms around x. Shares fall by e with each
    Å, so few atoms matter.

    Args:
        points: In Å.
        atoms: In Å, at least one.
        widths: Of the atoms, in Å: how far each rounds the surface.
        nearest: Atoms that each sum runs over; None for all.

    Returns:
        Distances in Å, and their gradients. At an atom itself its own direction has no sense and counts as zero.

    Source:
        Sverrisson et al. 2021 (dMaSIF), section 3.1. Differs: the nearest atoms only, and the gradient is written out.
    """
    blocks = [_of_block(block, atoms, widths, nearest) for block in points.split(BLOCK)]
    return torch.cat([distance for distance, _ in blocks]), torch.cat([gradient for _, gradient in blocks])


def _of_block(points: Tensor, atoms: Tensor, widths: Tensor, nearest: int | None) -> tuple[Tensor, Tensor]:
    near, apart = nearest_points(points, atoms, nearest or len(atoms))
    width = widths[near]
    here = (-apart).softmax(-1)
    local = (here * width).sum(-1, keepdim=True)
    log_sum = (-apart / width).logsumexp(-1, keepdim=True)
    share = (-apart / width - log_sum).exp()
    # d|x - a_k| / dx is the unit vector from atom k; this is what D gains along it.
    gain = log_sum * here * (width - local) + local * share / width
    pull = torch.where(apart > 0, gain / apart, 0)
    gradient = pull.sum(-1, keepdim=True) * points - torch.einsum("pk,pkc->pc", pull, atoms[near])
    return -(local * log_sum).squeeze(-1), gradient
