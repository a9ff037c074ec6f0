"""The memory that lines are written to as a matrix, by pseudo-inverses, and read through it."""

import warnings

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from memory_llm.memreasoner.config import MemReasonerConfig
from memory_llm.memreasoner.written import Scored, Written

ENOUGH = 0.05
"""Relative error ``||A A^+ A - A|| / ||A||`` above which a warning is due."""


def pseudo_inverse(matrix: Float[Tensor, "*batch rows width"], steps: int) -> Float[Tensor, "*batch width rows"]:
    """Moore-Penrose inverse by ``A_{k+1} = 2 A_k - A_k A A_k`` from ``A_0 = A^T / ||A||_F^2``, in float32 or better.

    Along a singular value s the relative error after k steps is ``(1 - s^2 / ||A||_F^2)^(2^k)``: it never grows, and
    what is small beside the norm comes last, which acts as a regulariser.

    Args:
        matrix: Rows of zeros give columns of zeros.
        steps: Doublings of the exponent.

    Raises:
        ValueError: If the matrix holds NaN or infinity.

    Source: Ben-Israel and Cohen 1966; Larimar 1.4. Differs: the released code starts from ``a A^T`` with a fixed
    ``a <= 5e-4``, with which it diverges for singular values above 63 and has hardly begun after 3 steps.
    """
    matrix = matrix if matrix.dtype == torch.float64 else matrix.float()
    scale = matrix.square().sum((-2, -1), keepdim=True)
    if not bool(torch.isfinite(scale).all()):
        raise ValueError("`matrix` holds NaN or infinity, or is too large to square; normalise the latents.")
    inverse = matrix.mT / scale.clamp(min=torch.finfo(matrix.dtype).tiny)
    for _ in range(steps):
        inverse = 2 * inverse - inverse @ matrix @ inverse
    return inverse


class KanervaMemory(nn.Module):
    """``W_0 = Z~ M_0^+``, ``M = W_0^+ Z~``; a query is read as ``q M^+ M`` and compared with the lines.

    What is read is the query as far as the S rows of the memory can say it; lines are scored by their similarity to it.
    While training, read weights carry noise of a learnt variance, and divergences from the priors are part of the loss:
    N(M_0, s_j^2) for row j of the memory, N(0, 1) for read weights.

    Source: Larimar 1.4. Differs: scores of lines, since hops have to know which line they read; divergences are means
    over the entries of M and of w, so that their weight does not depend on sizes.
    """

    def __init__(self, config: MemReasonerConfig):
        super().__init__()
        width, slots = config.latent_size, config.memory_slots
        self.steps = config.pinv_steps
        self.prior = nn.Parameter(nn.init.orthogonal_(torch.empty(slots, width)) * max(slots, width) ** 0.5)
        self.prior_log_variance = nn.Parameter(torch.zeros(slots))
        self.read_log_variance = nn.Parameter(torch.full((slots,), -6.0))
        self.of_query = nn.Linear(width, width, bias=False)

    def write(self, ordered: Float[Tensor, "batch lines latent"], line_mask: Bool[Tensor, "batch lines"]) -> Written:
        """Write the lines to a matrix for each row."""
        with torch.autocast(ordered.device.type, enabled=False):
            lines, prior = ordered.float(), self.prior.float()
            weights = lines @ pseudo_inverse(prior, self.steps)
            inverse = pseudo_inverse(weights, self.steps)
            self._check(weights, inverse)
            matrix = inverse @ lines
            apart = (matrix - prior).square().mean(-1) / self.prior_log_variance.exp()
            back = pseudo_inverse(matrix, self.steps)
        return Written(
            ordered=ordered, line_mask=line_mask, matrix=matrix, inverse=back, divergence=0.5 * apart.mean(-1)
        )

    def score(self, query: Float[Tensor, "batch latent"], written: Written) -> Scored:
        """Read queries through the matrix, and compare what was read with all lines."""
        matrix, inverse = written.matrix, written.inverse
        assert matrix is not None
        assert inverse is not None
        with torch.autocast(query.device.type, enabled=False):
            asked = self.of_query(query).float()
            weights = torch.einsum("bc,bcs->bs", asked, inverse)
            log_variance = self.read_log_variance
            apart = 0.5 * (log_variance.exp() + weights.square() - 1 - log_variance).mean(-1)
            if self.training:
                weights = weights + torch.randn_like(weights) * (0.5 * log_variance).exp()
            read = torch.einsum("bs,bsc->bc", weights, matrix)
        scores = torch.einsum("blc,bc->bl", written.ordered, read.to(written.ordered.dtype))
        return Scored(scores / query.shape[-1] ** 0.5, apart)

    def _check(self, weights: Tensor, inverse: Tensor) -> None:
        with torch.no_grad():
            error = (weights @ inverse @ weights - weights).norm() / weights.norm().clamp(min=1e-30)
        if float(error) > ENOUGH:
            warnings.warn(
                f"the pseudo-inverse of the write weights is off by {float(error):.2g} after {self.steps} steps; raise "
                "`pinv_steps`.",
                stacklevel=3,
            )
