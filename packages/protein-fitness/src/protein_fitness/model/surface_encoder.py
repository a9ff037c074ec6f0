"""Points of the surface that have seen the residues beneath them and their neighbours: what S3F adds to S2F."""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch_geometric.utils import scatter

from protein_fitness.model.edges import surface_edges
from protein_fitness.model.gvp import Channels
from protein_fitness.model.gvp_stack import GVPStack


class SurfaceEncoder(nn.Module):
    """Each point starts from the residues nearest to it and from its own shape, then sees points around it.

    Args:
        width: Of the residues' features.
        point_features: How many numbers tell the shape at a point.
        nodes: Channels of points.
        edges: Channels of edges.
        num_layers: Rounds of messages.
        dropout: Rate, of what a round adds, and in the first layers.
        rbf_max: Of the last radial basis function, in Å.

    Source: S3F (Zhang et al. 2024) 3.3, and released code.
    """

    def __init__(
        self,
        width: int,
        point_features: int,
        nodes: Channels,
        edges: Channels,
        *,
        num_layers: int,
        dropout: float,
        rbf_max: float | int,
    ):
        super().__init__()
        self.rbf_max = rbf_max
        self.inherit = nn.Linear(width + 1, width, bias=False)
        self.combine = nn.Sequential(
            nn.Linear(width + point_features, 2 * width),
            nn.Dropout(dropout),
            nn.LayerNorm(2 * width),
            nn.ReLU(),
            nn.Linear(2 * width, width),
        )
        self.stack = GVPStack(width, nodes, edges, num_layers=num_layers, dropout=dropout)

    def forward(
        self,
        h: Float[Tensor, "residues width"],
        positions: Float[Tensor, "residues 3"],
        points: Float[Tensor, "points 3"],
        shape: Float[Tensor, "points features"],
        edge_index: Int[Tensor, "2 edges"],
        nearest_residues: Int[Tensor, "2 pairs"],
    ) -> Float[Tensor, "points scalars"]:
        """Features of points.

        Args:
            h: What the language model says of residues; not what the residue encoder makes of it.
            positions: CA atoms, in Å.
            points: In Å.
            shape: What is known of each point.
            edge_index: Between points; sources in row 0, targets in row 1.
            nearest_residues: Points in row 0, residues near them in row 1.
        """
        point, residue = nearest_residues
        distances = (points[point] - positions[residue]).norm(dim=-1, keepdim=True)
        # The map is linear, so the mean may be taken before it: a third of the products.
        near = scatter(torch.cat([h[residue], distances], -1), point, dim_size=len(points), reduce="mean")
        start = self.combine(torch.cat([self.inherit(near), shape], -1))
        return self.stack(start, surface_edges(points, edge_index, self.rbf_max), edge_index)
