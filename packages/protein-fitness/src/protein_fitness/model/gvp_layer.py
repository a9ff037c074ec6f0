"""One round of messages between neighbours, and what each node makes of them."""

import torch
from jaxtyping import Int
from torch import Tensor, nn
from torch_geometric.utils import scatter

from protein_fitness.model.gvp import GVP, Channels, Features, GVPDropout, GVPLayerNorm


class GVPLayer(nn.Module):
    """The mean of the neighbours' messages is added to a node, then what the node makes of itself; both normalised.

    Args:
        nodes: Channels of nodes.
        edges: Channels of edges.
        dropout: Rate, of what is added.

    Attributes:
        factored: Whether the first map of a message is computed per node and gathered (the default), rather than per
            edge of what is gathered. Both are the same sum in another order; the first takes fewer products.

    Source: S3F (Zhang et al. 2024) 3.2, after GVP-GNN (Jing et al. 2021).
    """

    def __init__(self, nodes: Channels, edges: Channels, dropout: float):
        super().__init__()
        self.nodes, self.edges, self.factored = nodes, edges, True
        together = (2 * nodes[0] + edges[0], 2 * nodes[1] + edges[1])
        self.first = GVP(together, nodes)
        self.rest = nn.Sequential(GVP(nodes, nodes), GVP(nodes, nodes, activation=False))
        hidden = (4 * nodes[0], 2 * nodes[1])
        self.feed_forward = nn.Sequential(GVP(nodes, hidden), GVP(hidden, nodes, activation=False))
        self.norms = nn.ModuleList([GVPLayerNorm(nodes) for _ in range(2)])
        self.dropout = GVPDropout(dropout)

    def forward(self, nodes: Features, edges: Features, edge_index: Int[Tensor, "2 edges"]) -> Features:
        """Nodes after the round.

        Args:
            nodes: Before it.
            edges: In the order of the index.
            edge_index: Sources in row 0, targets in row 1. A node that is no target gets a message of 0.
        """
        messages = self.rest((self._factored if self.factored else self._direct)(nodes, edges, edge_index))
        received = tuple(scatter(each, edge_index[1], dim_size=len(nodes[0]), reduce="mean") for each in messages)
        nodes = self.norms[0](_sum(nodes, self.dropout(received)))
        return self.norms[1](_sum(nodes, self.dropout(self.feed_forward(nodes))))

    def _factored(self, nodes: Features, edges: Features, edge_index: Int[Tensor, "2 edges"]) -> Features:
        source, target = edge_index
        after_edge = (self.nodes[0] + self.edges[0], self.nodes[1] + self.edges[1])
        sent, kept = self.first.share(nodes), self.first.share(nodes, after_edge)
        of_nodes = _sum(_at(sent, source), _at(kept, target))
        return self.first.finish(_sum(of_nodes, self.first.share(edges, self.nodes)))

    def _direct(self, nodes: Features, edges: Features, edge_index: Int[Tensor, "2 edges"]) -> Features:
        source, target = edge_index
        parts = zip(_at(nodes, source), edges, _at(nodes, target), strict=True)
        scalars, vectors = (torch.cat(part, -1) for part in parts)
        return self.first((scalars, vectors))


def _sum(one: Features, other: Features) -> Features:
    return one[0] + other[0], one[1] + other[1]


def _at(features: Features, places: Int[Tensor, " edges"]) -> Features:
    return features[0][places], features[1][places]
