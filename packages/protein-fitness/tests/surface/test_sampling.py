import pytest
import torch
from scipy.spatial import cKDTree

from protein_fitness.surface.distance import soft_distance
from protein_fitness.surface.sampling import INWARD, sample_surface
from protein_fitness.surface.settings import SurfaceSettings


@pytest.fixture(scope="module")
def atoms(hairpin):
    return torch.from_numpy(hairpin.backbone.reshape(-1, 3))


@pytest.fixture(scope="module")
def widths():
    return torch.tensor([0.705, 0.773, 0.773], dtype=torch.float64).repeat(20)


def test_points_lie_at_their_level_and_normals_point_away(atoms, widths):
    points, normals = sample_surface(atoms, widths, SurfaceSettings(), 0)
    torch.testing.assert_close(normals.norm(dim=-1), torch.ones(len(normals)).double())
    level, _ = soft_distance(points + INWARD * normals, atoms, widths)
    # Averaging over a cell of 1 Å takes points inside of their level where the surface is curved.
    assert (level - 1.05).abs().median() < 0.1
    assert (level - 1.05).abs().max() < 1.05
    further, _ = soft_distance(points + (INWARD + 2 * 1.05) * normals, atoms, widths)
    assert (further > level).double().mean() > 0.99


def test_no_atom_is_far_from_the_surface_and_there_are_about_26_points_a_residue(protein_g):
    atoms = torch.from_numpy(protein_g.backbone.reshape(-1, 3))
    widths = torch.tensor([0.705, 0.773, 0.773], dtype=torch.float64).repeat(56)
    points, _ = sample_surface(atoms, widths, SurfaceSettings(), 0)
    assert 24 < len(points) / 56 < 29
    distance, _ = cKDTree(points.numpy()).query(atoms.numpy())
    assert distance.min() > 0.3
    assert distance.max() < 4


def test_a_cell_holds_one_point(atoms, widths):
    fine, _ = sample_surface(atoms, widths, SurfaceSettings(), 0)
    coarse, _ = sample_surface(atoms, widths, SurfaceSettings(resolution=2), 0)
    assert len(coarse) < len(fine) / 2.5


def test_the_seed_decides(atoms, widths):
    first, again, other = (sample_surface(atoms, widths, SurfaceSettings(), seed)[0] for seed in (3, 3, 4))
    assert torch.equal(first, again)
    assert first.shape != other.shape or not torch.allclose(first, other)


def test_a_lone_atom_is_a_sphere():
    """Its level is 1.05 Å, and the points are moved inwards by 0.5 Å; averages over cells lie a little deeper."""
    settings = SurfaceSettings(points_per_atom=400, resolution=0.05)
    points, normals = sample_surface(torch.ones(1, 3).double(), torch.ones(1).double(), settings, 0)
    torch.testing.assert_close((points - 1).norm(dim=-1), torch.full((len(points),), 0.55).double(), rtol=0, atol=2e-3)
    torch.testing.assert_close((points - 1) / 0.55, normals, rtol=0, atol=5e-3)
