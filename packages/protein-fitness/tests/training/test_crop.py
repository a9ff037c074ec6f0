from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from protein_fitness.model.config import S3FConfig
from protein_fitness.model.graph import POINTS_OF_RESIDUE, build_graph
from protein_fitness.surface.settings import SurfaceSettings
from protein_fitness.training.crop import random_window, surface_near

CONFIG = S3FConfig(encoder_width=4, point_features=5, points_read_per_atom=6)


@pytest.fixture(scope="module")
def cloud(domain):
    draws = np.random.default_rng(0)
    centres = np.repeat(domain.backbone[:, 1], 5, axis=0)
    return SimpleNamespace(
        points=centres + draws.normal(size=centres.shape, scale=3),
        normals=draws.normal(size=centres.shape),
        features=draws.normal(size=(len(centres), 5)),
        settings=SurfaceSettings(),
    )


def _read(graph):
    """Coordinates and features of the points that each residue reads, in order."""
    residue, point = graph[POINTS_OF_RESIDUE].edge_index
    rows = torch.cat([graph["point"].pos, graph["point"].normal, graph["point"].feat], -1)
    return [rows[point[residue == number]] for number in range(graph["residue"].num_nodes)]


def test_kept_residues_read_what_they_read_of_the_whole(domain, cloud):
    window = slice(11, 33)
    part = domain.backbone[window]

    patch = surface_near(cloud, part, CONFIG.points_read_per_atom)

    whole = _read(build_graph(domain.backbone, CONFIG, surface=cloud))
    cropped = _read(build_graph(part, CONFIG, surface=patch))
    assert all(torch.equal(one, other) for one, other in zip(whole[window], cropped, strict=True))
    assert len(patch.points) < len(cloud.points)


def test_points_that_nobody_reads_are_dropped(domain, cloud):
    patch = surface_near(cloud, domain.backbone[:5], CONFIG.points_read_per_atom)

    graph = build_graph(domain.backbone[:5], CONFIG, surface=patch)
    assert set(graph[POINTS_OF_RESIDUE].edge_index[1].tolist()) == set(range(len(patch.points)))


def test_a_missing_atom_keeps_no_point(domain, cloud):
    backbone = domain.backbone[:2].copy()
    backbone[1, 2] = np.nan
    atoms = torch.from_numpy(backbone.reshape(6, 3)[:5].astype(np.float32))
    distances = torch.cdist(atoms.double(), torch.from_numpy(cloud.points.astype(np.float32)).double())

    patch = surface_near(cloud, backbone, 4)

    wanted = distances.argsort(dim=1)[:, :4].unique()
    assert torch.equal(patch.points, torch.from_numpy(cloud.points.astype(np.float32))[wanted])
    assert torch.equal(patch.features, torch.from_numpy(cloud.features.astype(np.float32))[wanted])


@given(st.integers(1, 50), st.integers(1, 50), st.integers(0, 1000))
def test_a_window_lies_in_the_chain(length, most, seed):
    window = random_window(length, most, np.random.default_rng(seed))

    assert window.start >= 0
    assert window.stop <= length
    assert window.stop - window.start == min(length, most)


def test_every_place_is_drawn():
    draws = np.random.default_rng(0)

    assert {random_window(7, 4, draws).start for _ in range(100)} == {0, 1, 2, 3}
