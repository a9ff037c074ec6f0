"""Distances in radial basis functions, and vectors that point the way each graph wants."""

import math

import pytest
import torch

from protein_fitness.model.edges import radial_basis, residue_edges, surface_edges

POSITIONS = torch.tensor([[0.0, 0, 0], [3, 0, 4], [0, 6, 0]])
EDGE_INDEX = torch.tensor([[1, 2], [0, 0]])


@pytest.mark.parametrize("rbf_max", [20, 10.0])
def test_a_radial_function_is_a_gaussian_about_its_centre(rbf_max):
    found = radial_basis(torch.tensor([0.0, 3.7, rbf_max]), rbf_max)
    for row, distance in enumerate((0.0, 3.7, rbf_max)):
        for column in range(16):
            centre, width = column * rbf_max / 15, rbf_max / 16
            expected = math.exp(-(((distance - centre) / width) ** 2))
            assert float(found[row, column]) == pytest.approx(expected, abs=1e-6)


def test_residues_see_where_they_are_from_their_neighbour_and_points_the_reverse():
    scalars, vectors = residue_edges(POSITIONS, EDGE_INDEX, 20)
    assert torch.equal(vectors[..., 0], torch.tensor([[-3.0, 0, -4], [0, -6, 0]]))
    torch.testing.assert_close(scalars, radial_basis(torch.tensor([5.0, 6.0]), 20))
    mirrored = surface_edges(POSITIONS, EDGE_INDEX, 20)
    assert torch.equal(mirrored[1], -vectors)
    assert torch.equal(mirrored[0], scalars)


def test_a_graph_without_edges_has_none():
    scalars, vectors = residue_edges(POSITIONS, EDGE_INDEX[:, :0], 20)
    assert scalars.shape == (0, 16)
    assert vectors.shape == (0, 3, 1)
