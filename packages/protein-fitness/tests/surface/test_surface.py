import dataclasses

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from protein_fitness.surface import surface as surface_module
from protein_fitness.surface.settings import SurfaceSettings
from protein_fitness.surface.surface import Surface, make_surface, surface_digest


@pytest.fixture(scope="module")
def surface(hairpin):
    return make_surface(hairpin, seed=5)


def assert_same(first, second):
    for field in dataclasses.fields(Surface):
        one, other = getattr(first, field.name), getattr(second, field.name)
        assert torch.equal(one, other) if isinstance(one, torch.Tensor) else one == other


def test_a_surface_has_32_signatures_and_10_curvatures(surface):
    assert surface.features.shape == (len(surface), 42)
    assert (surface.features[:, :32] > 0).all()
    assert (surface.features[:, 32:].abs() <= 1).all()
    assert surface.features.std(0).min() > 0
    assert surface.seed == 5


def test_the_same_seed_gives_the_same_bytes(surface, hairpin, tmp_path):
    again = make_surface(hairpin, seed=5)
    assert_same(surface, again)
    assert surface.save(tmp_path / "one.npz").read_bytes() == again.save(tmp_path / "two.npz").read_bytes()
    assert make_surface(hairpin, seed=6).points.shape != surface.points.shape


def test_a_moved_structure_has_the_same_surface_moved(surface, hairpin, structure_of):
    turn = Rotation.random(rng=np.random.default_rng(1)).as_matrix()
    moved = make_surface(structure_of(hairpin.backbone @ turn.T + [30, -20, 10]), seed=5)
    there = surface.points.double().numpy() @ turn.T + [30, -20, 10]
    np.testing.assert_allclose(moved.points.numpy(), there, atol=1e-4)
    np.testing.assert_allclose(moved.normals.numpy(), surface.normals.numpy() @ turn.T, atol=2e-3)
    # Both are rounded to float16, so they may differ by one step of it.
    torch.testing.assert_close(moved.features, surface.features, rtol=2e-3, atol=1e-3)


def test_a_loaded_surface_is_the_one_that_was_saved(surface, tmp_path):
    path = surface.save(tmp_path / "folder" / "a.npz")
    assert_same(Surface.load(path), surface)
    assert path.stat().st_size < 102 * len(surface) + 2000


def test_atoms_that_are_not_there_are_left_out(hairpin, structure_of):
    backbone = hairpin.backbone.copy()
    backbone[7] = np.nan
    backbone[3, 0] = np.nan
    holed = make_surface(structure_of(backbone))
    apart = np.linalg.norm(holed.points.numpy()[:, None] - hairpin.backbone[7], axis=-1)
    assert np.isfinite(holed.features.numpy()).all()
    whole = make_surface(hairpin)
    # The surface goes through where they would be.
    assert apart.min() < np.linalg.norm(whole.points.numpy()[:, None] - hairpin.backbone[7], axis=-1).min()


def test_the_digest_names_all_that_a_surface_depends_on(hairpin, structure_of):
    settings = SurfaceSettings()
    digests = [
        surface_digest(hairpin, settings, 0),
        surface_digest(hairpin, settings, 1),
        surface_digest(hairpin, SurfaceSettings(curvature="legacy"), 0),
        surface_digest(structure_of(hairpin.backbone + 1), settings, 0),
    ]
    assert len(set(digests)) == 4
    assert surface_digest(dataclasses.replace(hairpin, name="copy"), settings, 0) == digests[0]


@pytest.mark.parametrize("atoms", [0, 1])
def test_a_chain_without_backbone_is_refused(atoms, structure_of):
    backbone = np.full((4, 3, 3), np.nan)
    backbone.reshape(-1, 3)[:atoms] = 0
    with pytest.raises(ValueError, match=f"chain A of made has {atoms} of N, CA and C, too few for a surface"):
        make_surface(structure_of(backbone))


def test_a_surface_of_too_few_points_names_its_chain(hairpin, structure_of):
    backbone = hairpin.backbone[:1].copy()
    backbone[0, 2] = np.nan
    with pytest.raises(ValueError, match="chain A of made: a surface of .* points is too small"):
        make_surface(structure_of(backbone))


def test_a_file_cut_short_is_no_surface(surface, tmp_path):
    path = surface.save(tmp_path / "a.npz")
    whole = path.read_bytes()
    for size in (0, 10, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(ValueError, match="is not a whole surface file"):
            Surface.load(path)


def test_other_arrays_are_no_surface(tmp_path):
    np.savez(tmp_path / "a.npz", points=np.zeros((3, 3)))
    np.save(tmp_path / "b.npy", np.zeros(3))
    for name in ("a.npz", "b.npy"):
        with pytest.raises(ValueError, match="is not a whole surface file"):
            Surface.load(tmp_path / name)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        Surface.load(tmp_path / "nowhere.npz")


def test_another_format_is_refused(surface, tmp_path, monkeypatch):
    path = surface.save(tmp_path / "a.npz")
    monkeypatch.setattr(surface_module, "FORMAT", 2)
    with pytest.raises(ValueError, match="is a surface of format 1, and this version reads 2"):
        Surface.load(path)
