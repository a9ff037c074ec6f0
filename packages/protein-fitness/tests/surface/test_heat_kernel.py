import numpy as np
import pytest

from protein_fitness.surface import heat_kernel
from protein_fitness.surface.heat_kernel import TIMES, heat_kernel_signatures

RADIUS = 5
WHOLE_MULTIPLETS = 121
"""The constant, and the 3 + 5 + ... + 21 waves of degree 1 to 10: cut within a degree, a sum is not even."""


def test_a_sphere_has_a_thousand_over_its_area_everywhere(sphere, monkeypatch):
    monkeypatch.setattr(heat_kernel, "FEWEST_EIGENPAIRS", WHOLE_MULTIPLETS)
    found = heat_kernel_signatures(sphere(RADIUS, 1500)[0].numpy(), WHOLE_MULTIPLETS)
    assert found.shape == (1500, 32)
    # Triangles lie inside the sphere and are uneven, which splits equal eigenvalues by 3 in 10,000: over long times
    # the slower ones of those win.
    early = TIMES < 300
    error = np.abs(found[:, early] * (4 * np.pi * RADIUS**2) / 1000 - 1)
    assert np.quantile(error, 0.95) < 0.03
    assert error.max() < 0.08  # at the poles, where the spiral is least even


def test_lanczos_finds_what_a_dense_solver_finds(monkeypatch):
    points = np.random.default_rng(0).normal(size=(350, 3)) * [6, 4, 3]
    fast = heat_kernel_signatures(points, 64)
    monkeypatch.setattr(heat_kernel, "DENSE_BELOW", 10_000)
    np.testing.assert_allclose(heat_kernel_signatures(points, 64), fast, rtol=1e-5)


@pytest.mark.parametrize("dense_below", [0, 10_000])
def test_two_components_have_no_constant_left_and_each_its_own_waves(sphere, dense_below, monkeypatch):
    """The spectrum is that of both pieces together, and a point sees the waves of its own piece alone."""
    monkeypatch.setattr(heat_kernel, "DENSE_BELOW", dense_below)
    monkeypatch.setattr(heat_kernel, "SHARE_OF_POINTS", 0.2)
    pieces = [sphere(RADIUS, 400)[0].numpy(), 100 + sphere(RADIUS + 1, 300)[0].numpy()]
    values, waves = zip(*(heat_kernel._eigenpairs(piece, 400) for piece in pieces), strict=True)
    slowest = np.sort(np.concatenate(values))[:69]
    expected = [
        1000 * wave[:, kept] ** 2 @ np.exp(-TIMES * value[kept, None]) / np.exp(-TIMES * slowest[:, None]).sum(0)
        for value, wave in zip(values, waves, strict=True)
        for kept in [value <= slowest[-1]]
    ]
    found = heat_kernel_signatures(np.concatenate(pieces), 70)
    np.testing.assert_allclose(found, np.concatenate(expected), rtol=1e-4)


def test_the_longest_time_leaves_the_slowest_wave():
    """Of a long body, whose second eigenvalue is single: the signature becomes that wave's square."""
    random = np.random.default_rng(0)
    points = random.normal(size=(800, 3))
    points = points / np.linalg.norm(points, axis=1, keepdims=True) * [40, 6, 6]
    found = heat_kernel_signatures(points, 64)
    ends, middle = np.abs(points[:, 0]) > 35, np.abs(points[:, 0]) < 3
    assert found[ends, -1].mean() > 20 * found[middle, -1].mean()
    assert found[ends, 0].mean() < 20 * found[middle, 0].mean()
    assert TIMES[0] == pytest.approx(0.1)
    assert TIMES[-1] == pytest.approx(1000)


def test_the_same_points_give_the_same_bytes(sphere):
    points = sphere(RADIUS, 500)[0].numpy()
    assert heat_kernel_signatures(points, 64).tobytes() == heat_kernel_signatures(points, 64).tobytes()


def test_too_few_points_are_refused(sphere):
    with pytest.raises(ValueError, match="a surface of 30 points is too small for heat-kernel signatures"):
        heat_kernel_signatures(sphere(RADIUS, 30)[0].numpy(), 128)
