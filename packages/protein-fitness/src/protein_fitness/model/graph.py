"""The graph that the networks read: residues, surface points, and which of them see each other."""

from copy import copy
from dataclasses import asdict
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch_geometric.data import HeteroData

from protein_fitness.model.config import S3FConfig
from protein_fitness.neighbours import nearest, within
from protein_fitness.structures.structure import CA
from protein_fitness.surface.settings import SurfaceSettings

RESIDUE_EDGES = ("residue", "sees", "residue")
"""Residues within the radius; sources in row 0, targets in row 1."""
POINT_EDGES = ("point", "sees", "point")
"""The points nearest to each point; sources in row 0, targets in row 1."""
POINTS_OF_RESIDUE = ("residue", "reads", "point")
"""The points nearest to the atoms of each residue; one that is near to two atoms stands there twice."""
RESIDUES_OF_POINT = ("point", "reads", "residue")
"""The residues nearest to each point."""


@runtime_checkable
class Cloud(Protocol):
    """A surface: points in Å, unit normals, numbers that tell the shape at each point, and how it was made."""

    @property
    def points(self) -> Any: ...

    @property
    def normals(self) -> Any: ...

    @property
    def features(self) -> Any: ...

    @property
    def settings(self) -> SurfaceSettings: ...


def build_graph(
    backbone: Float[np.ndarray, "residues 3 3"],
    config: S3FConfig,
    *,
    surface: Cloud | None = None,
    **residues: Tensor | np.ndarray,
) -> HeteroData:
    """The graph of a structure. Batches of graphs keep their indices apart, since all of them are edges.

    A residue without CA atom is no node: what a network says is of the residues in ``residue.place``, their places in
    the chain (0-based). An atom N or C that is missing reads no points.

    Args:
        backbone: N, CA and C of each residue of the chain, in Å; NaN where missing.
        config: Of the network that will read it.
        surface: Of the same structure, in the same frame; needed if the config says so.
        residues: What else is known of each residue of the chain, such as ``h``, ``tokens``, ``y``, ``plddt`` and
            ``mask``; a node gets its row.

    Returns:
        ``residue`` (pos, place, and what else was given), ``point`` (pos, normal, feat) and the edge types of this
        module.

    Raises:
        ValueError: If no residue has a CA atom, a surface is missing, one too many or made in another way than the
            network's, or a property has not a row for each residue.
    """
    if (surface is not None) != config.surface:
        given, wanted = ("a surface", "none") if surface is not None else ("no surface", "one")
        raise ValueError(f"{given} was given and the network reads {wanted}; set `surface` of its config accordingly.")
    place = np.flatnonzero(np.isfinite(backbone[:, CA]).all(-1))
    if not len(place):
        raise ValueError(f"none of the {len(backbone)} residues has a CA atom; use a structure with a full backbone.")
    atoms = torch.from_numpy(np.asarray(backbone[place], dtype=np.float32))
    graph = HeteroData()
    graph["residue"].pos = atoms[:, CA].contiguous()
    graph["residue"].place = torch.from_numpy(place)
    graph[RESIDUE_EDGES].edge_index = within(graph["residue"].pos, config.radius, config.max_neighbours)
    if surface is not None:
        _add_surface(graph, atoms, surface, config)
    return with_residues(graph, len(backbone), **residues)


def with_residues(graph: HeteroData, length: int, **residues: Tensor | np.ndarray) -> HeteroData:
    """The same graph with what is known of residues; the one that is given stays as it is.

    Args:
        graph: Of :func:`build_graph`.
        length: Residues of the chain.
        residues: As there.

    Raises:
        ValueError: If a property has not a row for each residue.
    """
    described = copy(graph)
    for name, values in residues.items():
        if len(values) != length:
            raise ValueError(f"`{name}` has {len(values)} rows for {length} residues; give one a residue.")
        described["residue"][name] = torch.as_tensor(values)[graph["residue"].place]
    return described


def _add_surface(graph: HeteroData, atoms: Float[Tensor, "residues 3 3"], surface: Cloud, config: S3FConfig) -> None:
    if (made := asdict(surface.settings)) != config.surface_settings:
        differing = [f"{name}={value!r}" for name, value in made.items() if value != config.surface_settings[name]]
        raise ValueError(
            f"the surface was made with {', '.join(differing)} and the network reads other ones; make it with the "
            "`surface_settings` of the network's config."
        )
    points = _float(surface.points)
    if not len(points):
        raise ValueError("the surface has no points; use a structure with more atoms.")
    graph["point"].pos, graph["point"].normal = points, _float(surface.normals)
    graph["point"].feat = _float(surface.features)
    graph[POINT_EDGES].edge_index = _nearest_others(points, config.point_neighbours)
    graph[RESIDUES_OF_POINT].edge_index = _pairs(points, graph["residue"].pos, config.residues_per_point)
    known = atoms.isfinite().all(-1)
    atom, point = _pairs(atoms[known], points, config.points_read_per_atom)
    graph[POINTS_OF_RESIDUE].edge_index = torch.stack([known.nonzero()[:, 0][atom], point])


def _pairs(queries: Float[Tensor, "queries 3"], points: Float[Tensor, "points 3"], k: int) -> Int[Tensor, "2 pairs"]:
    """Each query with the points nearest to it; all of them where there are fewer."""
    indices, _ = nearest(queries, points, k)
    own = torch.arange(len(queries)).repeat_interleave(indices.shape[1])
    return torch.stack([own, indices.flatten()])


def _nearest_others(points: Float[Tensor, "points 3"], k: int) -> Int[Tensor, "2 edges"]:
    """From the points nearest to each point, itself left out, to it."""
    target, source = _pairs(points, points, k + 1)
    other = source != target
    return torch.stack([source[other], target[other]])


def _float(values: Any) -> Tensor:
    return torch.as_tensor(values, dtype=torch.float32)
