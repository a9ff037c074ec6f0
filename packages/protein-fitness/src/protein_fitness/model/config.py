"""Configuration of an S2F or S3F network."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from transformers import PreTrainedConfig

from protein_fitness.surface.settings import SurfaceSettings

FORMAT_VERSION = 1
POOLINGS = ("local", "global")
COUNTS = (
    "encoder_width",
    "node_scalars",
    "node_vectors",
    "edge_scalars",
    "edge_vectors",
    "num_layers",
    "max_neighbours",
    "point_features",
    "point_neighbours",
    "residues_per_point",
    "points_read_per_atom",
)


class S3FConfig(PreTrainedConfig):
    """Sizes of the network, and how the graph that it reads is built.

    Args:
        encoder_id: Hub id or folder of the frozen protein language model; its weights are not part of a checkpoint.
        encoder_fingerprint: Of its weights, so that another is not taken for it; None if it was not written down.
        encoder_width: Of its features.
        encoder_logits: Whether the encoder's own logits are added to what the network says of a residue, so that it
            learns what the structure changes; the paper's are not.
        node_scalars: Scalar channels of residues and points.
        node_vectors: Vector channels of them.
        edge_scalars: Scalar channels of edges.
        edge_vectors: Vector channels of them.
        num_layers: Rounds of messages.
        dropout: Rate in them.
        head_dropout: Rate before the last layer.
        radius: Residues nearer than this are neighbours, in Å between CA atoms.
        max_neighbours: At most so many of them, the nearest.
        rbf_max: Of the last radial basis function, in Å. Edges between residues end at the radius, so with the paper's
            20 about half of the functions are always near 0; 10 uses all of them.
        surface: Whether surface points are read too: S3F rather than S2F.
        point_features: How many numbers tell the shape at a point.
        point_neighbours: Points that a point sees.
        residues_per_point: Residues that a point starts from.
        points_read_per_atom: Points nearest to each of N, CA and C whose mean a residue gets.
        surface_pooling: "local", as the paper says; or "global", as the released code computes: all residues of a batch
            get the mean over all its points.
        surface_settings: How surfaces are made, as :class:`SurfaceSettings` takes it; what is absent has its default,
            and is written down.
        plddt_threshold: Residues of a predicted structure that are less certain (0 to 100) are scored by the language
            model alone.
        format_version: Of the checkpoint.

    Raises:
        ValueError: If a setting is out of its range.

    Source: S3F (Zhang et al. 2024) and its released settings. Differs: the released neighbour search keeps the first 32
    neighbours in the order of the chain; we keep the nearest.
    """

    model_type = "s3f"

    def __init__(
        self,
        *,
        encoder_id: str = "facebook/esm2_t33_650M_UR50D",
        encoder_fingerprint: str | None = None,
        encoder_width: int = 1280,
        encoder_logits: bool = False,
        node_scalars: int = 256,
        node_vectors: int = 16,
        edge_scalars: int = 64,
        edge_vectors: int = 1,
        num_layers: int = 5,
        dropout: float | int = 0.1,
        head_dropout: float | int = 0.5,
        radius: float | int = 10.0,
        max_neighbours: int = 32,
        rbf_max: float | int = 20.0,
        surface: bool = True,
        point_features: int = 42,
        point_neighbours: int = 16,
        residues_per_point: int = 3,
        points_read_per_atom: int = 21,
        surface_pooling: str = "local",
        surface_settings: Mapping[str, Any] | None = None,
        plddt_threshold: float | int = 70.0,
        format_version: int = FORMAT_VERSION,
        **arguments: Any,
    ):
        self.encoder_id, self.encoder_fingerprint, self.encoder_width = encoder_id, encoder_fingerprint, encoder_width
        self.encoder_logits = encoder_logits
        self.node_scalars, self.node_vectors = node_scalars, node_vectors
        self.edge_scalars, self.edge_vectors = edge_scalars, edge_vectors
        self.num_layers, self.dropout, self.head_dropout = num_layers, dropout, head_dropout
        self.radius, self.max_neighbours, self.rbf_max = radius, max_neighbours, rbf_max
        self.surface, self.point_features, self.point_neighbours = surface, point_features, point_neighbours
        self.residues_per_point, self.points_read_per_atom = residues_per_point, points_read_per_atom
        self.surface_pooling, self.surface_settings = surface_pooling, _completed(surface_settings or {})
        self.plddt_threshold, self.format_version = plddt_threshold, format_version
        self._check()
        super().__init__(**arguments)

    @property
    def nodes(self) -> tuple[int, int]:
        """Channels of residues and points."""
        return self.node_scalars, self.node_vectors

    @property
    def edges(self) -> tuple[int, int]:
        """Channels of edges."""
        return self.edge_scalars, self.edge_vectors

    def _check(self) -> None:
        if self.format_version != FORMAT_VERSION:
            raise ValueError(
                f"`format_version` is {self.format_version}, and this version of protein-fitness reads "
                f"{FORMAT_VERSION}; install the one that wrote the checkpoint."
            )
        if self.surface_pooling not in POOLINGS:
            raise ValueError(f"`surface_pooling` must be one of {', '.join(POOLINGS)}, got {self.surface_pooling!r}.")
        for name in COUNTS:
            if getattr(self, name) < 1:
                raise ValueError(f"`{name}` must be at least 1, got {getattr(self, name)}.")
        for name in ("dropout", "head_dropout"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"`{name}` must be at least 0 and below 1, got {getattr(self, name)}.")
        for name in ("radius", "rbf_max"):
            if not getattr(self, name) > 0:
                raise ValueError(f"`{name}` must be above 0 Å, got {getattr(self, name)}.")
        if not 0 <= self.plddt_threshold <= 100:
            raise ValueError(f"`plddt_threshold` must be 0 to 100, got {self.plddt_threshold}.")


def _completed(settings: Mapping[str, Any]) -> dict[str, Any]:
    known = asdict(SurfaceSettings())
    if extra := sorted(settings.keys() - known.keys()):
        raise ValueError(f"`surface_settings` has no {extra[0]!r}; it has {', '.join(known)}.")
    return asdict(SurfaceSettings(**settings))
