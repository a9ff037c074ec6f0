"""A graph holds who is near whom, of atoms that are there, and batches keep proteins apart."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch_geometric.data import Batch

from protein_fitness.model.graph import (
    POINT_EDGES,
    POINTS_OF_RESIDUE,
    RESIDUE_EDGES,
    RESIDUES_OF_POINT,
    build_graph,
)
from protein_fitness.surface.settings import SurfaceSettings

EDGE_TYPES = (RESIDUE_EDGES, POINT_EDGES, POINTS_OF_RESIDUE, RESIDUES_OF_POINT)


def pairs(graph, kind):
    return sorted(map(tuple, graph[kind].edge_index.T.tolist()))


def nearest(query, points, k):
    return np.argsort(np.linalg.norm(points - query, axis=1), kind="stable")[:k].tolist()


@pytest.fixture
def graph(backbone, small_graph):
    return small_graph(backbone)


def test_residues_see_all_within_the_radius(backbone, graph):
    ca = backbone[:, 1]
    distances = np.linalg.norm(ca[:, None] - ca, axis=-1)
    assert pairs(graph, RESIDUE_EDGES) == sorted(zip(*np.nonzero((distances > 0) & (distances < 10)), strict=True))


def test_of_too_many_neighbours_the_nearest_are_seen(backbone, small_graph):
    graph = small_graph(backbone, max_neighbours=5)
    ca = backbone[:, 1]
    expected = [(other, one) for one in range(len(ca)) for other in nearest(ca[one], ca, 6)[1:]]
    assert pairs(graph, RESIDUE_EDGES) == sorted(expected)


def test_points_and_residues_read_what_is_nearest(backbone, cloud_about, graph):
    points, ca = cloud_about(backbone).points, backbone[:, 1]
    own = [(other, one) for one in range(len(points)) for other in nearest(points[one], points, 5)[1:]]
    assert pairs(graph, POINT_EDGES) == sorted(own)
    assert pairs(graph, RESIDUES_OF_POINT) == sorted(
        (one, residue) for one in range(len(points)) for residue in nearest(points[one], ca, 3)
    )
    assert pairs(graph, POINTS_OF_RESIDUE) == sorted(
        (residue, point)
        for residue, atoms in enumerate(backbone)
        for atom in atoms
        for point in nearest(atom, points, 3)
    )


def test_the_papers_settings_give_63_points_a_residue(backbone, small_graph):
    counts = small_graph(backbone, points_read_per_atom=21)[POINTS_OF_RESIDUE].edge_index[0].bincount()
    assert counts.tolist() == [63] * 56


def test_fewer_points_than_asked_for_are_all_read(backbone, small_graph):
    graph = small_graph(backbone[:2], point_neighbours=50, points_read_per_atom=50)
    assert len(graph["point"].pos) == 10
    assert graph[POINT_EDGES].edge_index[1].bincount().tolist() == [9] * 10
    assert graph[POINTS_OF_RESIDUE].edge_index[0].bincount().tolist() == [30, 30]
    assert graph[RESIDUES_OF_POINT].edge_index[0].bincount().tolist() == [2] * 10


def test_a_residue_without_ca_is_no_node_and_a_missing_atom_reads_nothing(backbone, small_config, cloud_about):
    backbone = backbone.copy()
    surface = cloud_about(backbone)
    backbone[3], backbone[7, 1], backbone[10, 0], backbone[12, 2] = np.nan, np.nan, np.nan, np.nan
    tokens = torch.arange(56)
    graph = build_graph(backbone, small_config(), surface=surface, tokens=tokens, plddt=np.linspace(0, 100, 56))
    kept = [place for place in range(56) if place not in (3, 7)]
    assert graph["residue"].place.tolist() == graph["residue"].tokens.tolist() == kept
    np.testing.assert_array_equal(graph["residue"].plddt, np.linspace(0, 100, 56)[kept])
    torch.testing.assert_close(graph["residue"].pos, torch.from_numpy(backbone[kept, 1]).float())
    counts = graph[POINTS_OF_RESIDUE].edge_index[0].bincount().tolist()
    assert {place: count for place, count in zip(kept, counts, strict=True) if count != 9} == {10: 6, 12: 6}


def test_a_residue_far_from_all_has_no_edges(backbone, small_graph):
    far = backbone.copy()
    far[0] += 1000
    edges = small_graph(far)[RESIDUE_EDGES].edge_index
    assert not (edges == 0).any()


def test_batches_keep_proteins_apart(backbone, small_graph):
    graphs = [small_graph(backbone[start:], start) for start in (0, 10, 30)]
    batch = Batch.from_data_list(graphs)
    for kind in EDGE_TYPES:
        source, target = (batch[node].batch[row] for node, row in zip(kind[::2], batch[kind].edge_index, strict=True))
        assert torch.equal(source, target)
    for back, graph in zip(batch.to_data_list(), graphs, strict=True):
        assert all(pairs(back, kind) == pairs(graph, kind) for kind in EDGE_TYPES)


def test_points_that_lie_upon_each_other_are_no_trouble(backbone, small_config, cloud_about):
    cloud = cloud_about(backbone)
    doubled = {name: np.concatenate([getattr(cloud, name)] * 8) for name in ("points", "normals", "features")}
    edges = build_graph(backbone, small_config(), surface=SimpleNamespace(**doubled, settings=cloud.settings))[
        POINT_EDGES
    ].edge_index
    assert (edges[0] != edges[1]).all()
    assert edges[1].bincount().min() >= 4


@pytest.mark.parametrize("surface", [True, False])
def test_a_surface_must_be_given_where_the_network_reads_one_and_only_there(
    surface, backbone, small_config, cloud_about
):
    message = "no surface was given and the network reads one" if surface else "a surface was given and the network"
    with pytest.raises(ValueError, match=message):
        build_graph(backbone, small_config(surface=surface), surface=None if surface else cloud_about(backbone))


def test_what_cannot_be_a_graph_is_refused(backbone, small_config):
    config = small_config(surface=False)
    with pytest.raises(ValueError, match="none of the 56 residues has a CA atom; use a structure"):
        build_graph(np.full_like(backbone, np.nan), config)
    with pytest.raises(ValueError, match="`h` has 55 rows for 56 residues; give one a residue."):
        build_graph(backbone, config, h=torch.zeros(55, 12))
    empty = SimpleNamespace(
        points=np.zeros((0, 3)), normals=np.zeros((0, 3)), features=np.zeros((0, 5)), settings=SurfaceSettings()
    )
    with pytest.raises(ValueError, match="made with curvature='shape_operator' and the network reads other ones; make"):
        build_graph(backbone, small_config(surface_settings={"curvature": "legacy"}), surface=empty)
    with pytest.raises(ValueError, match="the surface has no points"):
        build_graph(backbone, small_config(), surface=empty)
