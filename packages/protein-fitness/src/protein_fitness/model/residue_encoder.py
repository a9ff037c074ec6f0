"""Residues that have seen their neighbours in space: S2F without its head."""

from jaxtyping import Float, Int
from torch import Tensor, nn

from protein_fitness.model.edges import residue_edges
from protein_fitness.model.gvp import Channels
from protein_fitness.model.gvp_stack import GVPStack


class ResidueEncoder(nn.Module):
    """The features of a language model, spread on the graph of residues.

    Distances and vectors between CA atoms are all it sees of the structure, so it gives the same for a structure that
    is turned, moved or mirrored.

    Args:
        width: Of the features.
        nodes: Channels of residues.
        edges: Channels of edges.
        num_layers: Rounds of messages.
        dropout: Rate, of what a round adds.
        rbf_max: Of the last radial basis function, in Å.

    Source: S2F (Zhang et al. 2024) 3.2.
    """

    def __init__(
        self,
        width: int,
        nodes: Channels,
        edges: Channels,
        *,
        num_layers: int,
        dropout: float,
        rbf_max: float | int,
    ):
        super().__init__()
        self.rbf_max = rbf_max
        self.embed = nn.Linear(width, width, bias=False)
        self.stack = GVPStack(width, nodes, edges, num_layers=num_layers, dropout=dropout)

    def forward(
        self,
        h: Float[Tensor, "residues width"],
        positions: Float[Tensor, "residues 3"],
        edge_index: Int[Tensor, "2 edges"],
    ) -> Float[Tensor, "residues scalars"]:
        """Features of residues.

        Args:
            h: What the language model says of them.
            positions: CA atoms, in Å.
            edge_index: Sources in row 0, targets in row 1.
        """
        return self.stack(self.embed(h), residue_edges(positions, edge_index, self.rbf_max), edge_index)
