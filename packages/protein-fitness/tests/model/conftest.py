"""A small network's settings, a real backbone, and a cloud of points about it."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import protein_fitness
from protein_fitness.model.config import S3FConfig
from protein_fitness.model.graph import build_graph
from protein_fitness.model.s3f import S3FModel
from protein_fitness.surface.settings import SurfaceSettings

SMALL = {
    "encoder_width": 12,
    "node_scalars": 10,
    "node_vectors": 4,
    "edge_scalars": 6,
    "num_layers": 2,
    "point_features": 5,
    "point_neighbours": 4,
    "points_read_per_atom": 3,
}


@pytest.fixture(scope="session")
def small_config():
    """``small_config(**settings)``."""
    return lambda **settings: S3FConfig(**{**SMALL, **settings})


@pytest.fixture(scope="session")
def small_model(small_config):
    """``small_model(seed, **settings)``: in use, with random weights of a size that makes all of them matter."""

    def make(seed=0, **settings):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return S3FModel(small_config(**settings)).eval()

    return make


@pytest.fixture(scope="session")
def backbone():
    """N, CA and C of protein G's domain B1."""
    lines = (Path(protein_fitness.__file__).parent / "data" / "1pga.pdb").read_text().splitlines()
    atoms = {name: [] for name in ("N", "CA", "C")}
    for line in lines:
        if line.startswith("ATOM") and line[12:16].strip() in atoms:
            atoms[line[12:16].strip()].append([float(line[at : at + 8]) for at in (30, 38, 46)])
    return np.stack([np.array(each) for each in atoms.values()], axis=1)


@pytest.fixture(scope="session")
def cloud_about():
    """``cloud_about(backbone, seed)``: five points for each residue, 3 to 5 Å from its CA."""

    def make(backbone, seed=0):
        rng = np.random.default_rng(seed)
        centres = np.repeat(backbone[np.isfinite(backbone).all((1, 2)), 1], 5, axis=0)
        directions = rng.normal(size=centres.shape)
        normals = directions / np.linalg.norm(directions, axis=1, keepdims=True)
        return SimpleNamespace(
            points=centres + rng.uniform(3, 5, (len(centres), 1)) * normals,
            normals=normals,
            features=rng.normal(size=(len(centres), SMALL["point_features"])),
            settings=SurfaceSettings(),
        )

    return make


@pytest.fixture(scope="session")
def small_graph(small_config, cloud_about):
    """``small_graph(backbone, seed, **settings)``: with random features of a language model."""

    def make(backbone, seed=0, **settings):
        config = small_config(**settings)
        h = torch.from_numpy(np.random.default_rng(seed).normal(size=(len(backbone), config.encoder_width)))
        surface = cloud_about(backbone, seed) if config.surface else None
        return build_graph(backbone, config, surface=surface, h=h.float())

    return make
