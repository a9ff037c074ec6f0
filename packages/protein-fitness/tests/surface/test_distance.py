import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from protein_fitness.surface import distance
from protein_fitness.surface.distance import soft_distance


def made(seed, count, queries=7):
    random = np.random.default_rng(seed)
    return (torch.from_numpy(random.normal(size=shape)) * size for shape, size in (((queries, 3), 8), ((count, 3), 4)))


def by_definition(points, atoms, widths):
    apart = (points[:, None] - atoms[None]).norm(dim=-1)
    local = (torch.softmax(-apart, -1) * widths).sum(-1)
    return -local * torch.logsumexp(-apart / widths, -1)


@given(st.integers(0, 1000), st.integers(1, 30))
def test_value_and_gradient_are_those_of_the_definition(seed, count):
    points, atoms = made(seed, count)
    widths = torch.linspace(0.5, 1.0, count, dtype=torch.float64)
    points.requires_grad_()
    expected = by_definition(points, atoms, widths)
    (slope,) = torch.autograd.grad(expected.sum(), points)
    level, gradient = soft_distance(points.detach(), atoms, widths, nearest=None)
    torch.testing.assert_close(level, expected.detach(), rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(gradient, slope, rtol=1e-8, atol=1e-8)


def test_sixteen_atoms_are_nearly_all(protein_g):
    atoms = torch.from_numpy(protein_g.backbone.reshape(-1, 3))
    widths = torch.tensor([0.70, 0.77, 0.77], dtype=torch.float64).repeat(56)
    points = atoms + 1.5 * torch.from_numpy(np.random.default_rng(0).normal(size=atoms.shape))
    near, slope = soft_distance(points, atoms, widths)
    level, gradient = soft_distance(points, atoms, widths, nearest=None)
    assert not torch.equal(near, level)
    assert (near - level).abs().median() < 0.01
    assert (near - level).abs().max() < 0.2
    assert (slope - gradient).norm(dim=-1).median() < 0.02


def test_one_atom_alone_is_a_ball():
    points = torch.tensor([[3.0, 0, 0], [0, -5, 0]], dtype=torch.float64)
    level, gradient = soft_distance(points, torch.zeros(1, 3).double(), torch.tensor([0.7]).double())
    torch.testing.assert_close(level, torch.tensor([3.0, 5.0]).double())
    torch.testing.assert_close(gradient, torch.tensor([[1.0, 0, 0], [0, -1, 0]]).double())


def test_a_point_on_an_atom_has_a_finite_gradient():
    atoms = torch.tensor([[0.0, 0, 0], [2, 0, 0]], dtype=torch.float64)
    _, gradient = soft_distance(atoms, atoms, torch.ones(2, dtype=torch.float64))
    assert gradient.isfinite().all()
    assert gradient[0, 0] == pytest.approx(-gradient[1, 0])


def test_blocks_do_not_change_what_is_found(monkeypatch):
    points, atoms = made(1, 20)
    widths = torch.ones(20, dtype=torch.float64)
    whole = soft_distance(points, atoms, widths)
    monkeypatch.setattr(distance, "BLOCK", 2)
    for one, other in zip(whole, soft_distance(points, atoms, widths), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)
