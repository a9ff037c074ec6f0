"""How a key becomes weights over the slots of a memory.

All of it runs in float64. A key is a text's encoding after :class:`KeySpace` has centred it and brought it to unit
length, since raw encodings share a large common part that makes them nearly parallel.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

GAUSSIAN_FLOOR = 1e-12
BLOCK = 4096


@dataclass(frozen=True, kw_only=True)
class KeySpace:
    """Where keys live: subtract a common part, then scale to unit length.

    Attributes:
        mean: What to subtract, shape ``[key]``; nothing if absent.
        unit: Whether to scale; False leaves lengths as they are, as the paper does.
    """

    mean: Float[Tensor, " key"] | None = None
    unit: bool = True

    def place(self, keys: Float[Tensor, "rows key"]) -> Float[Tensor, "rows key"]:
        """Keys as the memory compares them, in float64 on the CPU.

        Raises:
            ValueError: If a key holds NaN or infinity; the message names its row (0-based).
        """
        keys = finite(keys, "keys").to("cpu", torch.float64)
        if self.mean is not None:
            keys = keys - self.mean.to(torch.float64)
        return torch.nn.functional.normalize(keys, dim=-1) if self.unit else keys


def finite(rows: Float[Tensor, "rows width"], name: str) -> Float[Tensor, "rows width"]:
    """The rows without their graph.

    Raises:
        ValueError: If one holds NaN or infinity.
    """
    good = torch.isfinite(rows).all(-1)
    if not good.all():
        row = int((~good).nonzero()[0])
        raise ValueError(f"`{name}` holds NaN or infinity in row {row}; load the encoder in float32 or drop that text.")
    return rows.detach()


def ridge_pinv(matrix: Float[Tensor, "*batch rows width"], ridge: float = 1e-12) -> Float[Tensor, "*batch width rows"]:
    """Regularised pseudo-inverse ``A^T (A A^T + r I)^-1``, or the same from the smaller side.

    Args:
        matrix: In float64, or in float32 with a ridge that suits it.
        ridge: Relative to the mean of the diagonal of the product; small enough to leave a well-conditioned inverse as
            it is, and it keeps a rank-deficient one finite.

    Source: Larimar 1.4 (``M0^+``); a solve instead of the released code's iteration, which diverges for singular values
    above 63, and instead of an SVD, whose gradient does not exist at equal singular values.
    """
    wide = matrix.shape[-2] <= matrix.shape[-1]
    product = matrix @ matrix.mT if wide else matrix.mT @ matrix
    scale = product.diagonal(dim1=-2, dim2=-1).mean(-1).clamp(min=torch.finfo(matrix.dtype).tiny)
    identity = torch.eye(product.shape[-1], dtype=matrix.dtype, device=matrix.device)
    regular = product + ridge * scale[..., None, None] * identity
    return torch.linalg.solve(regular, matrix).mT if wide else torch.linalg.solve(regular, matrix.mT)


def gaussian_weights(
    keys: Float[Tensor, "rows key"], references: Float[Tensor, "slots key"], alpha: float
) -> Float[Tensor, "rows slots"]:
    """Softmax over slots of ``-d^2 / (2 alpha s^2)``, with d the distance to a reference and s the smallest of them.

    Source: Larimar Eq. 7-8. Differs: s^2 has a floor of 1e-12 of the mean squared reference length, since an exact
    match has s = 0.
    """
    squared = torch.cdist(keys, references, compute_mode="donot_use_mm_for_euclid_dist").square()
    floor = GAUSSIAN_FLOOR * references.square().sum(-1).mean().clamp(min=torch.finfo(keys.dtype).tiny)
    nearest = squared.min(-1, keepdim=True).values.clamp(min=floor)
    return torch.softmax(-squared / (2 * alpha * nearest), dim=-1)


def nearest_rows(
    keys: Float[Tensor, "rows key"],
    references: Float[Tensor, "slots key"],
    lengths: Float[Tensor, " slots"] | None = None,
) -> tuple[Int[Tensor, " rows"], Float[Tensor, " rows"]]:
    """Index (0-based) of each key's nearest reference and the squared distance to it, in blocks of keys.

    Args:
        keys: What to look for.
        references: Where.
        lengths: Squared lengths of the references if they are known, infinite for those that are not to be found.
    """
    if lengths is None:
        lengths = references.square().sum(-1)
    found = [
        (block.square().sum(-1, keepdim=True) - 2 * block @ references.mT + lengths).min(-1)
        for block in keys.split(BLOCK)
    ]
    return torch.cat([one.indices for one in found]), torch.cat([one.values for one in found]).clamp(min=0)
