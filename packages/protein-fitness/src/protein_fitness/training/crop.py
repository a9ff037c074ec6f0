"""A part of a long chain, and the surface that belongs to it."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from protein_fitness.model.graph import Cloud
from protein_fitness.neighbours import nearest
from protein_fitness.surface.settings import SurfaceSettings


@dataclass(frozen=True, kw_only=True, eq=False)
class Patch:
    """A part of a surface.

    Attributes:
        points: In Å.
        normals: Outward.
        features: Of the points.
        settings: How the whole was made.
    """

    points: Float[Tensor, "points 3"]
    normals: Float[Tensor, "points 3"]
    features: Float[Tensor, "points features"]
    settings: SurfaceSettings


def random_window(length: int, most: int, draws: np.random.Generator) -> slice:
    """A contiguous part of so many residues at most, all of a shorter chain; every place is as likely.

    Args:
        length: Residues of the chain.
        most: Residues of the part.
        draws: Where chance comes from.
    """
    first = int(draws.integers(max(length - most, 0) + 1))
    return slice(first, min(first + most, length))


def surface_near(surface: Cloud, backbone: Float[np.ndarray, "residues 3 3"], points_per_atom: int) -> Patch:
    """The points that residues read: those nearest to one of their atoms N, CA and C, in the order of the whole.

    So what a residue reads from the part is what it reads from the whole.

    Args:
        surface: Of the whole chain.
        backbone: Of the residues that are kept, in the frame of the surface; NaN where missing.
        points_per_atom: How many points an atom reads, ``points_read_per_atom`` of the network's config.
    """
    # As float32, which graphs are built from: a point must not be lost to rounding.
    atoms = torch.from_numpy(np.asarray(backbone, dtype=np.float32)).flatten(0, 1)
    points = torch.as_tensor(surface.points, dtype=torch.float32)
    kept = nearest(atoms[atoms.isfinite().all(-1)], points, points_per_atom)[0].unique()
    return Patch(
        points=points[kept],
        normals=torch.as_tensor(surface.normals, dtype=torch.float32)[kept],
        features=torch.as_tensor(surface.features, dtype=torch.float32)[kept],
        settings=surface.settings,
    )
