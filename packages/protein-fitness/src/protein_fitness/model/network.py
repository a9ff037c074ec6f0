"""S2F and S3F: what residues know of the structure, and of the surface, gives the logits of their types."""

from typing import Any

from jaxtyping import Float
from torch import Tensor, nn
from torch_geometric.data import HeteroData
from torch_geometric.utils import scatter

from protein_fitness.amino_acids import AMINO_ACIDS
from protein_fitness.model.config import S3FConfig
from protein_fitness.model.graph import POINT_EDGES, POINTS_OF_RESIDUE, RESIDUE_EDGES, RESIDUES_OF_POINT
from protein_fitness.model.residue_encoder import ResidueEncoder
from protein_fitness.model.surface_encoder import SurfaceEncoder


class FitnessNetwork(nn.Module):
    """Encoder of residues, encoder of the surface if there is one, and head.

    Args:
        config: Sizes and choices.

    Source: S3F (Zhang et al. 2024) 3. Differs: by default a residue gets the mean of the points nearest to it, as the
    paper says; the released code gives all residues one mean, which ``surface_pooling="global"`` computes.
    """

    def __init__(self, config: S3FConfig):
        super().__init__()
        self.config = config
        sizes: dict[str, Any] = {"num_layers": config.num_layers, "dropout": config.dropout, "rbf_max": config.rbf_max}
        width, nodes, edges = config.encoder_width, config.nodes, config.edges
        self.residues = ResidueEncoder(width, nodes, edges, **sizes)
        self.surface = SurfaceEncoder(width, config.point_features, nodes, edges, **sizes) if config.surface else None
        self.dropout = nn.Dropout(config.head_dropout)
        self.head = nn.Linear(config.node_scalars, len(AMINO_ACIDS))

    def forward(self, graph: HeteroData) -> Float[Tensor, "residues amino_acids"]:
        """Logits in the order of ``AMINO_ACIDS``."""
        logits = self.head(self.dropout(self.features(graph)))
        return logits + graph["residue"].encoder_logits if self.config.encoder_logits else logits

    def features(self, graph: HeteroData) -> Float[Tensor, "residues scalars"]:
        """What the head reads of each residue.

        Raises:
            ValueError: If the graph lacks features of a language model or a surface, or has them in another width.
        """
        check_graph(graph, self.config)
        h, positions = graph["residue"].h, graph["residue"].pos
        features = self.residues(h, positions, graph[RESIDUE_EDGES].edge_index)
        if self.surface is None:
            return features
        points = self.surface(
            h,
            positions,
            graph["point"].pos,
            graph["point"].feat,
            graph[POINT_EDGES].edge_index,
            graph[RESIDUES_OF_POINT].edge_index,
        )
        return features + self._pooled(points, graph)

    def _pooled(self, points: Float[Tensor, "points scalars"], graph: HeteroData) -> Float[Tensor, "rows scalars"]:
        if self.config.surface_pooling == "global":
            return points.mean(0, keepdim=True)
        residue, point = graph[POINTS_OF_RESIDUE].edge_index
        return scatter(points[point], residue, dim_size=graph["residue"].num_nodes, reduce="mean")


def check_graph(graph: HeteroData, config: S3FConfig) -> None:
    """Refuse a graph that a network of this config cannot read.

    Raises:
        ValueError: If it is one.
    """
    h = graph["residue"].get("h")
    if h is None:
        raise ValueError("the graph's residues have no `h`; set it to what the language model gives for them.")
    if h.shape[-1] != config.encoder_width:
        raise ValueError(
            f"the graph's residues have `h` of width {h.shape[-1]} and the network reads {config.encoder_width}; encode "
            f"the sequence with {config.encoder_id}."
        )
    if config.encoder_logits and "encoder_logits" not in graph["residue"]:
        raise ValueError(
            "the graph's residues have no `encoder_logits`; set it to the encoder's logits, which the network adds to its own."
        )
    if not config.surface:
        return
    if "point" not in graph.node_types:
        raise ValueError("the graph has no surface; build it with `surface`, or use a network with `surface=False`.")
    if graph["point"].feat.shape[-1] != config.point_features:
        raise ValueError(
            f"the graph's points have {graph['point'].feat.shape[-1]} features and the network reads "
            f"{config.point_features}; build the surface with the settings of the network."
        )
