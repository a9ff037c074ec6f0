import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from protein_fitness import neighbours
from protein_fitness.neighbours import nearest, within


def grid(side):
    """Many equal distances."""
    axis = torch.arange(side, dtype=torch.float64)
    return torch.cartesian_prod(axis, axis, axis)


def cloud(seed, count):
    """Half of it on a lattice, so that distances tie and points coincide."""
    random = np.random.default_rng(seed)
    free, lattice = random.normal(size=(count, 3)), random.integers(-2, 3, size=(count, 3))
    return torch.from_numpy(np.concatenate([free, lattice])[random.permutation(2 * count)])


def brute_nearest(queries, points, k):
    distances = np.sqrt(((queries.numpy()[:, None] - points.numpy()[None]) ** 2).sum(-1))
    order = np.array([sorted(range(len(points)), key=lambda j: (row[j], j))[:k] for row in distances])
    return order, np.take_along_axis(distances, order, 1)


def brute_edges(points, radius, most):
    edges = []
    for target, here in enumerate(points.tolist()):
        found = [
            (np.sqrt(sum((a - b) ** 2 for a, b in zip(here, there, strict=True))), source)
            for source, there in enumerate(points.tolist())
        ]
        near = sorted((distance, source) for distance, source in found if 0 < distance < radius)[:most]
        edges += sorted((target, source) for _, source in near)
    return [(source, target) for target, source in edges]


@given(st.integers(0, 1000), st.integers(1, 8), st.integers(1, 20))
def test_nearest_points_are_those_of_the_whole_table_with_ties_by_index(seed, count, k):
    points, queries = cloud(seed, count), cloud(seed + 1, 3)
    indices, distances = nearest(queries, points, k)
    expected, far = brute_nearest(queries, points, k)
    assert indices.shape == (6, min(k, 2 * count))
    assert indices.dtype == torch.int64
    np.testing.assert_array_equal(indices.numpy(), expected)
    np.testing.assert_allclose(distances.numpy(), far, atol=1e-12)


@given(st.integers(0, 1000), st.integers(1, 12), st.integers(1, 6))
def test_edges_are_those_of_the_whole_table(seed, count, most):
    points = cloud(seed, count)
    edges = within(points, 2.0, most)
    assert edges.dtype == torch.int64
    assert [tuple(edge) for edge in edges.T.tolist()] == brute_edges(points, 2.0, most)


def test_blocks_find_what_the_tree_finds(monkeypatch):
    monkeypatch.setattr(neighbours, "BLOCK", 100)  # several blocks
    points = cloud(3, 40)
    for by_tree, by_blocks in zip(
        neighbours._nearest_by_tree(points, points, 7), neighbours._nearest_by_blocks(points, points, 7), strict=True
    ):
        torch.testing.assert_close(by_tree, by_blocks, rtol=0, atol=1e-12)
    found = within(points, 1.5, 5)
    monkeypatch.setattr(neighbours, "_within_by_tree", neighbours._within_by_blocks)
    assert torch.equal(within(points, 1.5, 5), found)


def test_a_radius_is_open_and_a_point_is_no_neighbour_of_its_double():
    points = torch.tensor([[0.0, 0, 0], [0, 0, 0], [1, 0, 0], [3, 0, 0]])
    assert within(points, 1, 9).T.tolist() == []
    assert within(points, 2.5, 9).T.tolist() == [[2, 0], [2, 1], [0, 2], [1, 2], [3, 2], [2, 3]]


def test_the_nearest_count_when_there_are_too_many():
    points = torch.tensor([[0.0, 0, 0], [3, 0, 0], [1, 0, 0], [2, 0, 0]])
    edges = within(points, 10, 2)
    assert edges[0, edges[1] == 0].tolist() == [2, 3]


def test_all_points_are_given_when_there_are_fewer_than_asked_for():
    indices, distances = nearest(torch.zeros(1, 3), torch.tensor([[2.0, 0, 0], [1, 0, 0]]), 16)
    assert indices.tolist() == [[1, 0]]
    assert distances.tolist() == [[1.0, 2.0]]
    assert distances.dtype == torch.float32


def test_no_points_have_no_edges():
    assert within(torch.zeros(0, 3), 10, 32).shape == (2, 0)
    assert within(torch.zeros(1, 3), 10, 32).shape == (2, 0)


def test_equal_distances_of_a_grid_go_to_the_lower_index():
    points = grid(5)
    indices, _ = nearest(points, points, 4)
    assert indices[62].tolist() == [62, 37, 57, 61]  # of the six neighbours of the centre, the lowest three


@pytest.mark.parametrize(
    ("k", "count", "message"), [(0, 2, "`k` must be at least 1, got 0"), (3, 0, "no points to search among")]
)
def test_what_cannot_be_searched_is_refused(k, count, message):
    with pytest.raises(ValueError, match=message):
        nearest(torch.zeros(1, 3), torch.zeros(count, 3), k)


@pytest.mark.gpu
def test_a_gpu_finds_what_a_cpu_finds():
    points = cloud(5, 400)
    indices, distances = nearest(points.cuda(), points.cuda(), 16)
    expected, far = nearest(points, points, 16)
    torch.testing.assert_close(distances.cpu(), far)
    assert torch.equal(indices.cpu(), expected)
    assert torch.equal(within(points.cuda(), 1.0, 8).cpu(), within(points, 1.0, 8))
