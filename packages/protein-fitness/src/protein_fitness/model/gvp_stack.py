"""The part that residues and surface points share: rounds of messages on a graph."""

from jaxtyping import Float, Int
from torch import Tensor, nn

from protein_fitness.model.edges import RADIAL_FUNCTIONS
from protein_fitness.model.gvp import GVP, Channels, Features, GVPLayerNorm
from protein_fitness.model.gvp_layer import GVPLayer


class GVPStack(nn.Module):
    """Scalars of nodes in, scalars of nodes out; in between vectors too, which the edges bring in.

    Args:
        width: Of the scalars that come in.
        nodes: Channels of nodes.
        edges: Channels of edges.
        num_layers: Rounds of messages.
        dropout: Rate, of what a round adds.

    Source: S3F (Zhang et al. 2024) 3.2, and released code.
    """

    def __init__(self, width: int, nodes: Channels, edges: Channels, *, num_layers: int, dropout: float):
        super().__init__()
        raw_edges = (RADIAL_FUNCTIONS, 1)
        self.nodes = nn.Sequential(GVPLayerNorm((width, 0)), GVP((width, 0), nodes, activation=False))
        self.edges = nn.Sequential(GVPLayerNorm(raw_edges), GVP(raw_edges, edges, activation=False))
        self.layers = nn.ModuleList([GVPLayer(nodes, edges, dropout) for _ in range(num_layers)])
        self.out = nn.Sequential(GVPLayerNorm(nodes), GVP(nodes, (nodes[0], 0)))

    def forward(
        self, scalars: Float[Tensor, "nodes width"], edges: Features, edge_index: Int[Tensor, "2 edges"]
    ) -> Float[Tensor, "nodes scalars"]:
        """Nodes that have seen their neighbours.

        Args:
            scalars: Of nodes.
            edges: As ``model.edges`` makes them.
            edge_index: Sources in row 0, targets in row 1.
        """
        nodes, edges = self.nodes((scalars, scalars.new_zeros(len(scalars), 3, 0))), self.edges(edges)
        for layer in self.layers:
            nodes = layer(nodes, edges, edge_index)
        return self.out(nodes)[0]
