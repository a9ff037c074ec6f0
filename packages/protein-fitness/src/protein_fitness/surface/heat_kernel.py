"""Heat-kernel signatures: how much of a point's heat is still there after a time, which tells the shape around it."""

import math

import numpy as np
import robust_laplacian
import scipy.sparse as sparse
from jaxtyping import Float
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import LinearOperator, eigsh, splu

TIMES = np.geomspace(0.1, 1000, 32)
"""In Å²."""
SHARE_OF_POINTS = 0.06
FEWEST_EIGENPAIRS = 50
SHIFT = 0.01
"""Added to the eigenvalues (1/Å²) while solving: the Laplacian is singular, and with a tiny shift nearly so."""
NEAR_ZERO = 1e-6
"""An eigenvalue below (1/Å²) belongs to what is constant: a wave on a protein is far shorter than 6,000 Å."""
TOLERANCE = 1e-6
NEIGHBOURS = 30
"""Points from which the Laplacian takes the surface around each; its library's default."""
DENSE_BELOW = 300
"""Points below which all eigenpairs are computed, because Lanczos' iteration needs many more points than pairs."""


def heat_kernel_signatures(
    points: Float[np.ndarray, "points 3"], most_eigenpairs: int
) -> Float[np.ndarray, "points 32"]:
    """Signatures at 32 times from 0.1 to 1000 Å².

    With eigenvalues l_k and eigenvectors f_k of the Laplacian, HKS_t(p) = 1000 sum_k exp(-t l_k) f_k(p)² /
    sum_k exp(-t l_k). On a sphere that is 1000 over its area (1/Å²) everywhere and at all times.

    Args:
        points: In Å, float64, more than ``NEIGHBOURS``.
        most_eigenpairs: An upper bound of their number k, which is else max(50, floor(0.06 points) + 1). They are the
            smallest, and the first is dropped: it is zero, and constant.

    Returns:
        Signatures, the shortest time first. Points in pieces that hang together by no neighbours, such as a cavity's,
        each have a zero eigenvalue; all are dropped, and k is larger by their number.

    Raises:
        ValueError: If there are too few points.

    Source:
        Sun et al. 2009, with the settings of S3F's released code (Zhang et al. 2024). Differs: at most 128 pairs by
        default, and none of the zero eigenvalues is kept. The Laplacian is that of Sharp & Crane 2020.
    """
    if len(points) <= NEIGHBOURS:
        raise ValueError(
            f"a surface of {len(points)} points is too small for heat-kernel signatures; they need more than "
            f"{NEIGHBOURS}, so give more of the backbone or a finer `resolution`."
        )
    eigenvalues, eigenvectors = _eigenpairs(points, most_eigenpairs)
    decay = np.exp(-TIMES * eigenvalues[:, None])
    return 1000 * (eigenvectors**2 @ decay) / decay.sum(0)


def _eigenpairs(points: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
    stiffness, mass = robust_laplacian.point_cloud_laplacian(points, n_neighbors=NEIGHBOURS)
    scale = sparse.diags_array(mass.diagonal() ** -0.5)
    laplacian = (scale @ stiffness @ scale).tocsc()
    wanted = min(most, max(FEWEST_EIGENPAIRS, math.floor(SHARE_OF_POINTS * len(points)) + 1))
    pieces, _ = connected_components(laplacian, directed=False)
    wanted = min(wanted - 1 + pieces, len(points))
    if len(points) < DENSE_BELOW:
        eigenvalues, eigenvectors = np.linalg.eigh(laplacian.toarray())
        eigenvalues, eigenvectors = eigenvalues[:wanted], eigenvectors[:, :wanted]
    else:
        eigenvalues, eigenvectors = _smallest(laplacian, wanted)
    varying = eigenvalues > NEAR_ZERO
    return eigenvalues[varying], (scale @ eigenvectors)[:, varying]


def _smallest(laplacian: sparse.csc_array, wanted: int) -> tuple[np.ndarray, np.ndarray]:
    size = laplacian.shape[0]
    # Ordered for a symmetric matrix, the factors are sparser than those that eigsh would make itself.
    factors = splu(
        (laplacian + SHIFT * sparse.eye_array(size)).tocsc(),
        permc_spec="MMD_AT_PLUS_A",
        diag_pivot_thresh=0,
        options={"SymmetricMode": True},
    )
    return eigsh(
        laplacian,
        wanted,
        sigma=-SHIFT,
        OPinv=LinearOperator((size, size), matvec=factors.solve, dtype=float),
        v0=np.random.default_rng(0).standard_normal(size),
        ncv=min(size - 1, wanted + wanted // 4),  # the default is twice as many as wanted
        tol=TOLERANCE,
    )
