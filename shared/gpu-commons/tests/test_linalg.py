"""Streamed moments equal their batch definitions, and Ledoit-Wolf equals scikit-learn's."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.covariance import ledoit_wolf

from gpu_commons.linalg import ClassMoments, solve_spd


def labelled_vectors(rows: int, width: int, seed: int, offset: float = 0.0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    mix = torch.randn(width, width, generator=generator, dtype=torch.float64)
    vectors = torch.randn(rows, width, generator=generator, dtype=torch.float64) @ mix + offset
    return vectors, torch.arange(rows) % 2


def centred(vectors: torch.Tensor, labels: torch.Tensor) -> np.ndarray:
    return torch.cat([vectors[labels == c] - vectors[labels == c].mean(0) for c in (0, 1)]).numpy()


@settings(max_examples=25, deadline=None)
@given(
    rows=st.integers(4, 60),
    width=st.integers(1, 8),
    seed=st.integers(0, 99),
    batch=st.integers(1, 17),
    offset=st.sampled_from([0.0, 1e4]),
)
def test_streamed_statistics_equal_batch_definitions(rows, width, seed, batch, offset):
    """Any split into batches, and a large common offset, give the definition's means, scatter and shrinkage."""
    vectors, labels = labelled_vectors(rows, width, seed, offset)
    moments = ClassMoments(2, width)
    for start in range(0, rows, batch):
        moments.update(vectors[start : start + batch], labels[start : start + batch])
    residuals = centred(vectors, labels)
    means = torch.stack([vectors[labels == c].mean(0) for c in (0, 1)])
    torch.testing.assert_close(moments.means, means, rtol=1e-10, atol=1e-8)
    np.testing.assert_allclose(moments.pooled_scatter(), residuals.T @ residuals, rtol=1e-7, atol=1e-6)
    covariance, intensity = ledoit_wolf(residuals, assume_centered=True)
    shrunk = moments.ledoit_wolf()
    assert shrunk.intensity == pytest.approx(intensity, abs=1e-6)
    np.testing.assert_allclose(shrunk.covariance, covariance, rtol=1e-5, atol=1e-5)


def test_nan_rows_are_named():
    vectors = torch.zeros(4, 3)
    vectors[2, 1] = float("nan")
    with pytest.raises(ValueError, match="NaN or infinity in row 2"):
        ClassMoments(2, 3).update(vectors, torch.tensor([0, 1, 0, 1]))


def test_solve_spd_inverts_multiplication():
    vectors, _ = labelled_vectors(40, 6, seed=1)
    matrix, expected = vectors.T @ vectors, torch.arange(6.0, dtype=torch.float64)
    torch.testing.assert_close(solve_spd(matrix, matrix @ expected), expected, rtol=1e-8, atol=1e-8)
    several = torch.stack([expected, 2 * expected], dim=1)
    torch.testing.assert_close(
        solve_spd(matrix, (matrix + 3 * torch.eye(6, dtype=torch.float64)) @ several, ridge=3.0), several
    )


def test_solve_spd_refuses_an_indefinite_matrix():
    with pytest.raises(ValueError, match="not positive definite with ridge=0.0"):
        solve_spd(torch.diag(torch.tensor([1.0, -1.0])), torch.ones(2))
