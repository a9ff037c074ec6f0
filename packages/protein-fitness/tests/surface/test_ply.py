import numpy as np
import pytest

from protein_fitness.surface.ply import write_ply
from protein_fitness.surface.surface import make_surface


@pytest.fixture(scope="module")
def surface(hairpin):
    return make_surface(hairpin)


def read(path):
    """By the format's definition: a header of properties, then their values point by point."""
    header, _, body = path.read_bytes().partition(b"end_header\n")
    lines = header.decode("ascii").splitlines()
    kinds = {"float": "<f4", "uchar": "u1"}
    fields = [(name, kinds[kind]) for _, kind, name in (line.split() for line in lines if line.startswith("property"))]
    return lines, np.frombuffer(body, np.dtype(fields))


def test_a_viewer_reads_points_normals_and_curvatures(surface, tmp_path):
    lines, vertices = read(write_ply(surface, tmp_path / "a.ply"))
    assert lines[:3] == ["ply", "format binary_little_endian 1.0", f"element vertex {len(surface)}"]
    np.testing.assert_array_equal(np.stack([vertices[name] for name in "xyz"], -1), surface.points)
    np.testing.assert_array_equal(np.stack([vertices[f"n{name}"] for name in "xyz"], -1), surface.normals)
    np.testing.assert_array_equal(vertices["mean_curvature_1"], surface.features[:, 32])
    np.testing.assert_array_equal(vertices["gaussian_curvature_10"], surface.features[:, 41])


def test_what_is_bent_more_than_the_median_is_red_and_what_less_is_blue(surface, tmp_path):
    _, vertices = read(write_ply(surface, tmp_path / "a.ply"))
    bend = vertices["mean_curvature_3"]
    bump, hollow = (bend > np.median(bend) + 0.01, bend < np.median(bend) - 0.01)
    assert bump.sum() > 50
    assert hollow.sum() > 50
    assert (vertices["red"][bump] == 255).all()
    assert (vertices["blue"][bump] < 255).all()
    assert (vertices["blue"][hollow] == 255).all()
    assert (vertices["red"][hollow] < 255).all()
    np.testing.assert_array_equal(vertices["green"], np.minimum(vertices["red"], vertices["blue"]))
