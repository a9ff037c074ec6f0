"""What a network reads of a protein beside its sequence: made once, and cut to windows."""

import os
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch_geometric.data import HeteroData

from protein_fitness.model.config import S3FConfig
from protein_fitness.model.graph import build_graph
from protein_fitness.neighbours import nearest
from protein_fitness.protein import Protein
from protein_fitness.structures.structure import CA, Structure
from protein_fitness.surface.cache import cached_surface
from protein_fitness.surface.settings import SurfaceSettings
from protein_fitness.surface.surface import Surface, make_surface


class Scene:
    """A protein's structure along its sequence, and its surface.

    Residues of the structure that stand for no position of the sequence are left out.

    Args:
        protein: With a structure or without.
        config: Of the network.
        surfaces: Folder in which surfaces are kept; the surface is made anew if absent.

    Attributes:
        protein: The same.
        backbone: N, CA and C at each position of the sequence, in Å; NaN where the structure has none.
        known: Positions that are nodes of the graph.
        trusted: Those of them that are not below the network's ``plddt_threshold``.

    Raises:
        ValueError: If no surface can be made.
    """

    def __init__(self, protein: Protein, config: S3FConfig, *, surfaces: str | os.PathLike[str] | None = None):
        self.protein, self.config = protein, config
        self.backbone = _along_sequence(protein)
        self.known: Bool[np.ndarray, " positions"] = np.isfinite(self.backbone[:, CA]).all(-1)
        self.trusted = self.known & _certain(protein, config.plddt_threshold)
        self.surface: Surface | None = None
        if config.surface and self.known.any():
            assert protein.structure is not None
            self.surface = _surface(protein.structure, SurfaceSettings(**config.surface_settings), surfaces)

    def graph(self, window: range) -> HeteroData | None:
        """The graph of a window, without features of residues; None where no residue has a structure.

        Places are counted from the start of the window.
        """
        part = slice(window.start, window.stop)
        if not self.known[part].any():
            return None
        return build_graph(self.backbone[part], self.config, surface=self._surface_of(self.backbone[part]))

    def _surface_of(self, backbone: Float[np.ndarray, "residues 3 3"]) -> Surface | None:
        """The points that residues of the window read; the whole surface if all residues of the structure are there."""
        if self.surface is None:
            return None
        assert self.protein.structure is not None
        present, whole = (np.isfinite(one[:, CA]).all(-1).sum() for one in (backbone, self.protein.structure.backbone))
        if present == whole:
            return self.surface
        return _read_points(self.surface, backbone, self.config.points_read_per_atom)


def _surface(structure: Structure, settings: SurfaceSettings, folder: str | os.PathLike[str] | None) -> Surface:
    if folder is None:
        return make_surface(structure, settings=settings)
    return cached_surface(structure, folder, settings=settings)


def _along_sequence(protein: Protein) -> Float[np.ndarray, "positions 3 3"]:
    backbone = np.full((len(protein), 3, 3), np.nan)
    if protein.structure is not None and protein.along is not None:
        there = protein.along.residue >= 0
        backbone[there] = protein.structure.backbone[protein.along.residue[there]]
    return backbone


def _certain(protein: Protein, threshold: float | int) -> Bool[np.ndarray, " positions"]:
    if protein.structure is None or protein.structure.plddt is None:
        return np.ones(len(protein), dtype=bool)
    return protein.of_structure(protein.structure.plddt) >= threshold


def _read_points(surface: Surface, backbone: Float[np.ndarray, "residues 3 3"], per_atom: int) -> Surface:
    atoms = backbone[np.isfinite(backbone).all(-1)]
    found, _ = nearest(torch.from_numpy(atoms), surface.points, per_atom)
    kept = found.unique()
    return replace(surface, points=surface.points[kept], normals=surface.normals[kept], features=surface.features[kept])
