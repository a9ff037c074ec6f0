"""Nearest points and points within a radius: k-d trees on a CPU, blocks of distances on a GPU.

Both sides compute in float64 and order equal distances by index, so the machine does not change the graph.
"""

import torch
from jaxtyping import Float, Int
from scipy.spatial import cKDTree
from torch import Tensor

BLOCK = 2**24
"""Distances held at a time where all are computed (128 MiB)."""


def nearest(
    queries: Float[Tensor, "queries 3"], points: Float[Tensor, "points 3"], k: int
) -> tuple[Int[Tensor, "queries most"], Float[Tensor, "queries most"]]:
    """The k points nearest to each query, the nearest first; of equally near ones the lower index first.

    A query that is itself among the points finds itself. If there are fewer points than k, all are given.

    Args:
        queries: Where to search from.
        points: Where to search, on the same device.
        k: How many, at least 1.

    Returns:
        Indices into the points (0-based, int64), and distances in the unit and the type of the queries.

    Raises:
        ValueError: If k is below 1, or there are no points.
    """
    if k < 1:
        raise ValueError(f"`k` must be at least 1, got {k}.")
    if not len(points):
        raise ValueError("there are no points to search among; give at least one.")
    k = min(k, len(points))
    find = _nearest_by_blocks if queries.is_cuda else _nearest_by_tree
    indices, distances = find(queries.double(), points.double(), k)
    return indices, distances.to(queries.dtype)


def within(points: Float[Tensor, "points 3"], radius: float | int, most: int) -> Int[Tensor, "2 edges"]:
    """Edges between points that are closer than a radius: from j to i where 0 < distance < radius.

    Args:
        points: Of one structure.
        radius: In the unit of the points.
        most: Edges into one point; of more neighbours the nearest count, and of equally near ones the lower index.

    Returns:
        Sources j in the first row and targets i in the second (0-based, int64), by target and then by source.
    """
    target, source, distance = (_within_by_blocks if points.is_cuda else _within_by_tree)(points.double(), radius)
    # Stable sorts, the least important key first.
    order = source.argsort(stable=True)
    order = order[distance[order].argsort(stable=True)]
    order = order[target[order].argsort(stable=True)]
    target, source = target[order], source[order]
    first = torch.searchsorted(target, target)
    kept = torch.arange(len(target), device=target.device) - first < most
    target, source = target[kept], source[kept]
    order = (target * len(points) + source).argsort()
    return torch.stack([source[order], target[order]])


def _nearest_by_tree(queries: Tensor, points: Tensor, k: int) -> tuple[Tensor, Tensor]:
    beyond = min(k + 1, len(points))  # shows whether the last neighbour has a rival as near as itself
    distances, indices = cKDTree(points.numpy()).query(queries.numpy(), range(1, beyond + 1))
    distances, indices = torch.from_numpy(distances), torch.from_numpy(indices)
    tied = (distances[:, 1:] == distances[:, :-1]).any(-1).nonzero().squeeze(-1)
    indices, distances = indices[:, :k], distances[:, :k]
    if len(tied):
        indices[tied], distances[tied] = _nearest_by_blocks(queries[tied], points, k)
    return indices.contiguous(), distances.contiguous()


def _nearest_by_blocks(queries: Tensor, points: Tensor, k: int) -> tuple[Tensor, Tensor]:
    indices, distances = [], []
    for block in queries.split(max(1, BLOCK // len(points))):
        values, order = _distances(block, points).sort(dim=-1, stable=True)
        indices.append(order[:, :k])
        distances.append(values[:, :k])
    return torch.cat(indices), torch.cat(distances)


def _within_by_tree(points: Tensor, radius: float | int) -> tuple[Tensor, Tensor, Tensor]:
    tree = cKDTree(points.numpy())
    pairs = tree.sparse_distance_matrix(tree, radius, output_type="ndarray")
    pairs = pairs[(pairs["v"] > 0) & (pairs["v"] < radius)]
    return torch.from_numpy(pairs["i"].copy()), torch.from_numpy(pairs["j"].copy()), torch.from_numpy(pairs["v"].copy())


def _within_by_blocks(points: Tensor, radius: float | int) -> tuple[Tensor, Tensor, Tensor]:
    rows, columns, values = [], [], []
    start = 0
    for block in points.split(max(1, BLOCK // max(1, len(points)))):
        distances = _distances(block, points)
        row, column = ((distances > 0) & (distances < radius)).nonzero(as_tuple=True)
        rows.append(row + start)
        columns.append(column)
        values.append(distances[row, column])
        start += len(block)
    return torch.cat(rows), torch.cat(columns), torch.cat(values)


def _distances(block: Tensor, points: Tensor) -> Tensor:
    """Without matrix products, which lose digits between near points."""
    return torch.cdist(block, points, compute_mode="donot_use_mm_for_euclid_dist")
