import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from protein_fitness.surface.frame import principal_frame


def framed(atoms):
    axes, centre = principal_frame(atoms)
    return (atoms - centre) @ axes.T


@given(st.integers(0, 10_000))
def test_coordinates_in_the_frame_do_not_turn_with_the_atoms(seed):
    random = np.random.default_rng(seed)
    atoms = torch.from_numpy(random.gamma(1, size=(60, 3)) * [5, 3, 1])  # skewed, and of three widths
    turn = torch.from_numpy(Rotation.random(rng=random).as_matrix())
    moved = atoms @ turn.T + torch.from_numpy(random.normal(size=3) * 50)
    torch.testing.assert_close(framed(atoms), framed(moved), rtol=0, atol=1e-9)


def test_axes_are_right_handed_and_the_widest_is_first(protein_g):
    atoms = torch.from_numpy(protein_g.backbone.reshape(-1, 3))
    axes, _ = principal_frame(atoms)
    torch.testing.assert_close(axes @ axes.T, torch.eye(3).double(), rtol=0, atol=1e-12)
    assert torch.linalg.det(axes) > 0
    spread = framed(atoms).var(0)
    assert spread[0] > spread[1] > spread[2]
    assert (framed(atoms)[:, :2].pow(3).sum(0) > 0).all()
