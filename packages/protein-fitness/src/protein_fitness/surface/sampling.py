"""Points on a protein's surface, drawn to it from random places around the atoms."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from protein_fitness.surface.distance import soft_distance
from protein_fitness.surface.settings import SurfaceSettings

LEVEL = 1.05
"""Soft distance in Å at which the surface lies."""
SPREAD = 10 * LEVEL
"""Standard deviation in Å of the first points around their atom."""
STEPS = 5
"""Both of drawing points to the surface and of walking away from it."""
RATE = 0.5
INWARD = 0.5
"""How far, in Å, points are moved against their normals in the end."""


def sample_surface(
    atoms: Float[Tensor, "atoms 3"], widths: Float[Tensor, " atoms"], settings: SurfaceSettings, seed: int
) -> tuple[Float[Tensor, "points 3"], Float[Tensor, "points 3"]]:
    """Points on the surface around the atoms, and their outward normals.

    Args:
        atoms: In Å, float64.
        widths: Of the atoms' soft distance, in Å.
        settings: Of the surface.
        seed: Of the random places where points start.

    Returns:
        Points in Å, in the order of their cells, and unit vectors. There may be none, of very few atoms.

    Source:
        Zhang et al. 2024, S3F's released settings of Sverrisson et al. 2021 (dMaSIF), section 3.1.
    """

    def distance(points: Tensor) -> tuple[Tensor, Tensor]:
        return soft_distance(points, atoms, widths, settings.nearest)

    noise = np.random.default_rng(seed).standard_normal((len(atoms), settings.points_per_atom, 3))
    points = (atoms[:, None] + SPREAD * torch.from_numpy(noise)).flatten(0, 1)
    for _ in range(STEPS):
        level, gradient = distance(points)
        points = points - RATE * 2 * (level - LEVEL)[:, None] * gradient
    level, gradient = distance(points)
    near = (level - LEVEL).abs() < 0.5 * LEVEL
    points, gradient = points[near], gradient[near]
    outside = points
    for _ in range(STEPS):
        outside = outside + LEVEL * _unit(gradient)
        level, gradient = distance(outside)
    points = _averaged(points[level > 1.5 * LEVEL], settings.resolution)
    normals = _unit(distance(points)[1])
    return points - INWARD * normals, normals


def _unit(vectors: Tensor) -> Tensor:
    return torch.nn.functional.normalize(vectors, dim=-1)


def _averaged(points: Tensor, side: float | int) -> Tensor:
    """One point for each cell of a grid that has any, their mean."""
    _, cell = torch.unique((points / side).floor().long(), dim=0, return_inverse=True)
    count = torch.bincount(cell)
    sums = [torch.bincount(cell, weights=coordinate, minlength=len(count)) for coordinate in points.T]
    return torch.stack(sums, -1) / count[:, None]
