"""On a sphere, a cylinder and a plane, differences of normals are the operator times differences of points exactly, at
any distance, so the kernel has no bias; what remains is that smoothed normals of an uneven sample lean a little.
"""

import pytest
import torch

from protein_fitness.surface import curvature
from protein_fitness.surface.curvature import REACH, SCALES, curvatures


def by_definition(points, normals, scale, kind):
    apart = torch.cdist(points, points, compute_mode="donot_use_mm_for_euclid_dist")
    near = apart < REACH * scale
    smooth = torch.nn.functional.normalize((near * torch.exp(-(apart**2) / (2 * scale**2))) @ normals, dim=-1)
    found = []
    for i in range(len(points)):
        weight = near[i] * torch.exp(-(apart[i] ** 2) * (2 - smooth @ smooth[i]) ** 2 / (2 * scale**2))
        frame = torch.linalg.svd(smooth[i : i + 1]).Vh[1:]
        across, turn = (points - points[i]) @ frame.T, (smooth - smooth[i]) @ frame.T
        ridge = 1e-10 * torch.eye(2, dtype=torch.float64)
        spread, bend = (across.T * weight) @ across + ridge, (across.T * weight) @ turn + ridge
        operator = torch.linalg.inv(spread) @ bend if kind == "shape_operator" else torch.linalg.inv(bend) @ spread
        found.append(torch.stack([operator.trace(), torch.linalg.det(operator)]).clamp(-1, 1))
    return torch.stack(found)


@pytest.mark.parametrize("kind", ["shape_operator", "legacy"])
def test_sums_over_blocks_are_those_of_the_definition(sphere, kind, monkeypatch):
    monkeypatch.setattr(curvature, "BLOCK", 50)
    monkeypatch.setattr(curvature, "TILE", 70)
    points, normals = sphere(4, 150)
    noise = torch.randn(150, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    points = points + 0.3 * noise + 100  # far from the origin, where coordinates have fewer digits
    found = curvatures(points, normals, kind)
    for place, scale in enumerate(SCALES[1:], start=1):
        expected = by_definition(points, normals, scale, kind)
        # Weights are float32. The legacy operator is an inverse, which multiplies their rounding where it is large.
        torch.testing.assert_close(found[:, 2 * place : 2 * place + 2], expected, rtol=1e-3, atol=1e-4)


def test_a_sphere(sphere):
    radius = 7
    found = curvatures(*sphere(radius, 1500), "shape_operator")
    for place in range(1, len(SCALES)):  # with 0.6 points a square Å, those at 1 Å see few others
        torch.testing.assert_close(found[:, 2 * place], torch.full((1500,), 2 / radius).double(), rtol=0.02, atol=0)
        torch.testing.assert_close(found[:, 2 * place + 1], torch.full((1500,), radius**-2).double(), rtol=0.04, atol=0)


def test_a_hollow_has_a_negative_mean(sphere):
    points, normals = sphere(7, 800)
    outside, inside = curvatures(points, normals, "shape_operator"), curvatures(points, -normals, "shape_operator")
    torch.testing.assert_close(inside[:, ::2], -outside[:, ::2])
    torch.testing.assert_close(inside[:, 1::2], outside[:, 1::2])


def test_a_cylinder_away_from_its_ends(cylinder):
    points, normals = cylinder(5, 40, 0.7)
    found = curvatures(points, normals, "shape_operator")[:, :8]  # an end reaches six scales far
    inner = found[points[:, 2].abs() < 2]
    wide = found[points[:, 2].abs() < 20 - 2 * REACH * 3]
    assert len(wide) > 50
    torch.testing.assert_close(wide[:, 0:6:2], torch.full_like(wide[:, 0:6:2], 1 / 5), rtol=0, atol=1e-6)
    torch.testing.assert_close(inner[:, 1:6:2], torch.zeros_like(inner[:, 1:6:2]), rtol=0, atol=1e-6)


def test_a_plane_is_flat(saddle):
    points, normals = saddle(torch.inf, 6, 0.5)
    found = curvatures(points, normals, "shape_operator")
    torch.testing.assert_close(found, torch.zeros_like(found), rtol=0, atol=1e-9)


def test_a_saddle_bends_both_ways(saddle):
    """At its centre the mean is 0 by symmetry; the Gaussian is below 1 / bend² by the kernel's width, of order
    (scale / bend)², a few hundredths.
    """
    points, normals = saddle(20, 12, 0.5)
    centre = curvatures(points, normals, "shape_operator")[len(points) // 2]
    torch.testing.assert_close(centre[::2], torch.zeros(5).double(), rtol=0, atol=1e-5)
    torch.testing.assert_close(centre[1:6:2], torch.full((3,), -1 / 400).double(), rtol=0.15, atol=0)


def test_strong_curvature_is_clamped_and_legacy_is_the_inverse(sphere):
    points, normals = sphere(0.5, 200)
    assert (curvatures(points, normals, "shape_operator") == 1).all()
    legacy = curvatures(points, normals, "legacy")  # determinant R²; smoothed over 5 Å, normals have no direction left
    torch.testing.assert_close(legacy[:, 1:6:2], torch.full((200, 3), 0.25).double(), rtol=0.02, atol=0)


def test_a_point_alone_is_finite():
    found = curvatures(torch.tensor([[0.0, 0, 0], [500, 0, 0]]), torch.tensor([[0.0, 0, 1], [0, 0, 1]]), "legacy")
    assert found.isfinite().all()
