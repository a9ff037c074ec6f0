"""A frame that belongs to the atoms, so that a rotated structure gets the same surface."""

import torch
from jaxtyping import Float
from torch import Tensor


def principal_frame(atoms: Float[Tensor, "atoms 3"]) -> tuple[Float[Tensor, "3 3"], Float[Tensor, " 3"]]:
    """The principal axes of the atoms, with definite signs, and their centre.

    The atoms' skewness along the first two axes is positive, and the axes are right-handed: a mirror image has another
    frame. Where two spreads are equal, or the skewness is zero as in a symmetric dimer, rounding decides.

    Returns:
        Axes as rows, the widest first, so that ``(atoms - centre) @ axes.T`` are coordinates in the frame; and the
        centre in Å.
    """
    centre = atoms.mean(0)
    apart = atoms - centre
    _, axes = torch.linalg.eigh(apart.T @ apart)
    first, second = (axis if (apart @ axis).pow(3).sum() >= 0 else -axis for axis in axes.T.flip(0)[:2])
    return torch.stack([first, second, torch.linalg.cross(first, second)]), centre
