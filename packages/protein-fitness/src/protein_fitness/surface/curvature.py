"""Mean and Gaussian curvature of a cloud of points with normals, at five scales."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float
from scipy.spatial import cKDTree
from torch import Tensor

SCALES = (1.0, 2.0, 3.0, 5.0, 10.0)
"""In Å."""
REACH = 3.0
"""Scales after which weights are zero: a Gaussian has fallen to 0.011 there."""
LOG2_E = math.log2(math.e)
"""Weights are powers of two: torch's exp is slow where its result is nearly zero."""
RIDGE = 1e-10
"""Added to the diagonals, so that a point without neighbours has an operator."""
BLOCK = 256
"""Points that share their candidates for neighbours."""
WIDE = 5.0
"""Scales from which a tile's sums are float32: offsets are no longer large beside the scale, and few digits cancel."""
TILE = 512
"""Candidates computed at a time: a tile of weights stays in the cache."""


def curvatures(
    points: Float[Tensor, "points 3"], normals: Float[Tensor, "points 3"], kind: str
) -> Float[Tensor, "points 10"]:
    """Mean and Gaussian curvature around each point, at each scale in turn.

    The shape operator S says how the normal n changes along the surface, dn = S dx, so with outward normals a sphere
    of radius R has S = I / R. "Mean" is its trace, 2 / R (1/Å), and "Gaussian" its determinant, 1 / R² (1/Å²); a hollow
    has a negative mean. Both are clamped to [-1, 1], and 0 where they are not defined.

    Args:
        points: In Å, of one protein.
        normals: Outward unit vectors.
        kind: "legacy" inverts the operator, as the authors' released code does.

    Returns:
        Mean and Gaussian curvature at 1 Å, at 2 Å and so on, float64.

    Source:
        Sverrisson et al. 2021 (dMaSIF), section 3.2. Differs: neighbours are cut at three scales.
    """
    points, normals = points.double(), normals.double()
    return torch.cat([_at_scale(points, normals, scale, kind) for scale in SCALES], -1)


def _at_scale(points: Tensor, normals: Tensor, scale: float, kind: str) -> Tensor:
    regions = list(_regions(points, scale))
    smooth, found = torch.zeros_like(normals), torch.empty_like(points[:, :2])
    for region in regions:
        for near, exponents in region.tiles():
            smooth[region.block] += exponents.exp2_() @ normals[near].float()
    smooth = torch.nn.functional.normalize(smooth, dim=-1)
    for region in regions:
        found[region.block] = _of_region(region, points, smooth, kind)
    return found.nan_to_num(0, 1, -1).clamp(-1, 1)


@dataclass(frozen=True, eq=False)
class _Region:
    """Neighbouring points, and all points that may lie within their reach.

    Exponents of the Gaussian are a product of the two tables: |x|² - 2 x·y + |y|² with the factor in the second.
    """

    block: Tensor
    near: Tensor
    centre: Tensor
    left: Tensor
    right: Tensor
    precision: torch.dtype

    def tiles(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Some candidates, and the exponents of their weights for each point of the block; -inf beyond the reach."""
        for near, right in zip(self.near.split(TILE), self.right.split(TILE, dim=-1), strict=True):
            cut = -(REACH**2) / 2 * LOG2_E
            yield near, torch.nn.functional.threshold(self.left @ right, cut, -torch.inf, inplace=True)


def _regions(points: Tensor, scale: float) -> Iterator[_Region]:
    # A k-d tree's leaves follow each other in space.
    order = torch.from_numpy(cKDTree(points.cpu().numpy()).indices).to(points.device)
    for block in order.split(BLOCK):
        low, high = points[block].aminmax(dim=0)
        beside = (points - points.clamp(low, high)).pow(2).sum(-1)
        near = (beside < (REACH * scale) ** 2).nonzero().squeeze(-1)
        centre = (low + high) / 2  # coordinates must be small: weights are float32
        here, there = points[block] - centre, points[near] - centre
        left = torch.cat([here, here.pow(2).sum(-1, keepdim=True), torch.ones_like(here[:, :1])], -1)
        right = torch.cat([-2 * there, torch.ones_like(there[:, :1]), there.pow(2).sum(-1, keepdim=True)], -1) * (
            LOG2_E / (-2 * scale**2)
        )
        precision = torch.float32 if scale >= WIDE else torch.float64
        yield _Region(block, near, centre, left.float(), right.float().T.contiguous(), precision)


def _of_region(region: _Region, points: Tensor, normals: Tensor, kind: str) -> Tensor:
    """Trace and determinant of the operator, from sums over neighbours j of w_j times 1, x_j, n_j, x_j x_j and x_j n_j.

    Products of differences to point i follow from those sums, so no pair is looked at but for its weight.
    """
    here, normal = points[region.block] - region.centre, normals[region.block]
    bend = torch.cat([-normal, torch.full_like(normal[:, :1], 2)], -1).float()
    sums = here.new_zeros(len(here), 25)
    for near, exponents in region.tiles():
        there, other = points[near] - region.centre, normals[near]
        one = torch.ones_like(there[:, :1])
        exponents *= (bend @ torch.cat([other, one], -1).float().T).square_()
        both = torch.cat([there, other], -1)
        products = (there[:, :, None] * both[:, None]).flatten(1)
        weights = exponents.exp2_().to(region.precision)
        sums += weights @ torch.cat([one, both, products], -1).to(region.precision)
    weight, mean_x, mean_n, products = sums.split([1, 3, 3, 18], -1)
    moments = products.unflatten(-1, (3, 6))
    spread = _centred(moments[..., :3], weight, mean_x, mean_x, here, here)
    turn = _centred(moments[..., 3:], weight, mean_x, mean_n, here, normal)
    frame = _tangents(normal)
    ridge = RIDGE * torch.eye(2, dtype=points.dtype, device=points.device)
    spread, turn = (frame @ each @ frame.mT + ridge for each in (spread, turn))
    left, right = (spread, turn) if kind == "shape_operator" else (turn, spread)
    return _trace_and_determinant(left, right)


def _centred(products: Tensor, weight: Tensor, sum_x: Tensor, sum_y: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """The sum of w_j (x_j - x) (y_j - y)^T for each point."""
    return products - x[:, :, None] * sum_y[:, None] - (sum_x - weight * x)[:, :, None] * y[:, None]


def _tangents(normals: Tensor) -> Tensor:
    """Two unit vectors across each normal; which two does not matter to a trace or a determinant."""
    axis = torch.nn.functional.one_hot(normals.abs().argmin(-1), 3).to(normals)
    first = torch.nn.functional.normalize(torch.linalg.cross(normals, axis), dim=-1)
    return torch.stack([first, torch.linalg.cross(normals, first)], 1)


def _trace_and_determinant(left: Tensor, right: Tensor) -> Tensor:
    """Of the matrices that solve left X = right, by cofactors: a singular one must not stop the others."""
    (a, b), (c, d) = (row.unbind(-1) for row in left.unbind(-2))
    (e, f), (g, h) = (row.unbind(-1) for row in right.unbind(-2))
    size = a * d - b * c
    return torch.stack([(d * e - b * g - c * f + a * h) / size, (e * h - f * g) / size], -1)
