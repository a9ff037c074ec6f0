"""Streaming class moments and well-conditioned solves, in float64.

Statistics of N vectors of width d are accumulated batch by batch in O(d^2) memory, so that nothing of size N x d is
ever held.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor


class Shrinkage(NamedTuple):
    """A covariance pulled towards a multiple of the identity: ``(1 - intensity) * S + intensity * mean_variance *
    I``.
    """

    covariance: Float[Tensor, "width width"]
    intensity: float


class ClassMoments:
    """Counts, means and within-class scatter of labelled vectors, updated batch by batch.

    Beside first and second moments it keeps the two sums that the Ledoit-Wolf intensity needs (the fourth power of the
    norm and the norm-weighted sum), all taken about the first vector of each class, so that a large common offset
    costs no precision.

    Args:
        num_classes: Labels are integers in ``[0, num_classes)``.
        width: Length of a vector.
    """

    def __init__(self, num_classes: int, width: int):
        self.count = torch.zeros(num_classes, dtype=torch.int64)
        self._origin = torch.zeros(num_classes, width, dtype=torch.float64)
        self._sum = torch.zeros(num_classes, width, dtype=torch.float64)
        self._outer = torch.zeros(num_classes, width, width, dtype=torch.float64)
        self._norm4 = torch.zeros(num_classes, dtype=torch.float64)
        self._norm2_weighted = torch.zeros(num_classes, width, dtype=torch.float64)

    def update(self, vectors: Float[Tensor, "rows width"], labels: Int[Tensor, " rows"]) -> None:
        """Add labelled vectors.

        Raises:
            ValueError: If a vector holds NaN or infinity; the message names the first such row (0-based within this
                batch).
        """
        finite = torch.isfinite(vectors).all(-1)
        if not finite.all():
            raise ValueError(
                f"`vectors` holds NaN or infinity in row {int((~finite).nonzero()[0])}; drop that row or load the model in float32."
            )
        vectors, labels = vectors.detach().to("cpu", torch.float64), labels.cpu()
        for label in labels.unique().tolist():
            self._update_class(label, vectors[labels == label])

    def _update_class(self, label: int, rows: Float[Tensor, "rows width"]) -> None:
        if self.count[label] == 0:
            self._origin[label] = rows[0]
        rows = rows - self._origin[label]
        norm2 = rows.square().sum(-1)
        self.count[label] += len(rows)
        self._sum[label] += rows.sum(0)
        self._outer[label] += rows.T @ rows
        self._norm4[label] += norm2.square().sum()
        self._norm2_weighted[label] += norm2 @ rows

    @property
    def means(self) -> Float[Tensor, "classes width"]:
        """Mean vector of each class (NaN for a class without rows)."""
        return self._origin + self._sum / self.count[:, None]

    def pooled_scatter(self) -> Float[Tensor, "width width"]:
        """Sum over all rows of the outer product of the row minus its class mean."""
        seen = self.count > 0
        centre = self._sum[seen] / self.count[seen, None]
        return (self._outer[seen] - self.count[seen, None, None] * centre[:, :, None] * centre[:, None, :]).sum(0)

    def ledoit_wolf(self) -> Shrinkage:
        """Pooled within-class covariance with the Ledoit-Wolf intensity, from the streamed sums.

        Source: Ledoit and Wolf 2004, "A well-conditioned estimator for large-dimensional covariance matrices", with
        known (class) means removed; agrees with ``sklearn.covariance.ledoit_wolf(centred, assume_centered=True)``.
        """
        total, width = int(self.count.sum()), self._sum.shape[1]
        sample = self.pooled_scatter() / total
        mean_variance = sample.diagonal().mean()
        dispersion = (sample - mean_variance * torch.eye(width, dtype=torch.float64)).square().sum()
        noise = (self._centred_norm4() / total - sample.square().sum()) / total
        intensity = float((noise / dispersion).clamp(0.0, 1.0)) if dispersion > 0 else 0.0
        shrunk = (1 - intensity) * sample + intensity * mean_variance * torch.eye(width, dtype=torch.float64)
        return Shrinkage(shrunk, intensity)

    def _centred_norm4(self) -> Float[Tensor, ""]:
        """Sum over rows of ||row - class mean||^4, expanded into the streamed sums."""
        result = torch.zeros((), dtype=torch.float64)
        for label in (self.count > 0).nonzero().flatten().tolist():
            count, mean = self.count[label], self._sum[label] / self.count[label]
            mean2, norm2 = mean.square().sum(), self._outer[label].trace()
            result += self._norm4[label] + 4 * (mean @ self._outer[label] @ mean) + count * mean2**2
            result += (
                2 * mean2 * norm2 - 4 * (mean @ self._norm2_weighted[label]) - 4 * mean2 * (mean @ self._sum[label])
            )
        return result


def solve_spd(
    matrix: Float[Tensor, "width width"], right: Float[Tensor, "width *columns"], *, ridge: float = 0.0
) -> Float[Tensor, "width *columns"]:
    """Solve ``(matrix + ridge * I) x = right`` for a symmetric positive definite matrix by Cholesky, in float64.

    Raises:
        ValueError: If the matrix is not positive definite even with the ridge.
    """
    matrix, right = matrix.to(torch.float64), right.to(torch.float64)
    factor, info = torch.linalg.cholesky_ex(
        matrix + ridge * torch.eye(len(matrix), dtype=torch.float64, device=matrix.device)
    )
    if int(info) != 0:
        raise ValueError(
            f"`matrix` of width {len(matrix)} is not positive definite with ridge={ridge}; raise `ridge` or shrink the covariance."
        )
    columns = right if right.ndim == 2 else right[:, None]
    return torch.cholesky_solve(columns, factor).reshape(right.shape)
