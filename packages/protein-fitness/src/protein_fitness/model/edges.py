"""What an edge knows: the distance between its ends, in radial basis functions, and the vector between them."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from protein_fitness.model.gvp import Features

RADIAL_FUNCTIONS = 16


def radial_basis(distances: Float[Tensor, " edges"], rbf_max: float | int) -> Float[Tensor, "edges functions"]:
    """Gaussians of a distance, ``exp(-((r - centre) / width)^2)``.

    Args:
        distances: In Å.
        rbf_max: Of the last centre, in Å; the first is 0. The width is this over their number.
    """
    centres = torch.linspace(0, rbf_max, RADIAL_FUNCTIONS, dtype=distances.dtype, device=distances.device)
    return (-((distances[:, None] - centres) / (rbf_max / RADIAL_FUNCTIONS)).square()).exp()


def residue_edges(
    positions: Float[Tensor, "residues 3"], edge_index: Int[Tensor, "2 edges"], rbf_max: float | int
) -> Features:
    """Edges between residues, with the vector from source to target, not normalised."""
    source, target = positions[edge_index]
    return _features(target - source, rbf_max)


def surface_edges(
    points: Float[Tensor, "points 3"], edge_index: Int[Tensor, "2 edges"], rbf_max: float | int
) -> Features:
    """Edges between surface points, with the vector from target to source, as released.

    To turn all vectors of a graph round is to mirror it, which the networks do not see: either way gives the same.
    """
    source, target = points[edge_index]
    return _features(source - target, rbf_max)


def _features(vectors: Float[Tensor, "edges 3"], rbf_max: float | int) -> Features:
    return radial_basis(vectors.norm(dim=-1), rbf_max), vectors.unsqueeze(-1)
