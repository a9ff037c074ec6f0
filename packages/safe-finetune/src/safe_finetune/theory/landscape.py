"""The safety loss around the aligned weights: how sharp its basin is, and what a step in some direction will cost.

Works on any torch module through a closure that computes a loss. Vectors are flat: the parameters one after the other,
as :func:`torch.nn.utils.parameters_to_vector` gives them.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.utils import parameters_to_vector

_RELATIVE_RESIDUAL = 1e-4  # the value's own error is of the residual's square


class TopEigenvalue(NamedTuple):
    """Largest eigenvalue of the Hessian; the true one is at least ``value``, and some eigenvalue is within
    ``residual`` of it.
    """

    value: float
    residual: float
    num_products: int


class LossLandscape:
    """Slope and curvature of a loss over chosen parameters, by products of its Hessian with vectors.

    A product costs about three times a backward pass, and holds one more graph in memory. Small steps need
    parameters in float32 or finer.

    Args:
        loss: Computes the mean loss over fixed rows as a scalar; the model is in eval mode. Fused attention has no
            second derivatives, so attention runs in its plain form meanwhile.
        parameters: Those that may move, each once, for instance LoRA's factors. The Hessian is over these alone.

    Raises:
        ValueError: If there are no parameters, one occurs twice or takes no gradient, or the loss is not finite or
            differs between two calls, as with dropout.
    """

    def __init__(self, loss: Callable[[], Tensor], parameters: Sequence[Tensor]):
        self._loss, self._parameters = loss, list(parameters)
        if not self._parameters:
            raise ValueError("`parameters` must hold at least one tensor, got 0; there is nothing to move.")
        if len({id(parameter) for parameter in self._parameters}) < len(self._parameters):
            raise ValueError("`parameters` must hold each tensor once, got one twice; tied weights count once.")
        frozen = [place for place, parameter in enumerate(self._parameters) if not parameter.requires_grad]
        if frozen:
            raise ValueError(
                f"`parameters` must take gradients, number {frozen[0]} does not; unfreeze or leave it out."
            )
        self._check_loss()

    def gradient(self) -> Float[Tensor, " size"]:
        """Of the loss, at the present parameters."""
        with sdpa_kernel(SDPBackend.MATH), torch.enable_grad():
            return self._flat(torch.autograd.grad(self._loss(), self._parameters, allow_unused=True))

    def hessian_product(self, vector: Float[Tensor, " size"]) -> Float[Tensor, " size"]:
        """Hessian times a vector, by differentiating the slope along it."""
        with sdpa_kernel(SDPBackend.MATH), torch.enable_grad():
            gradients = torch.autograd.grad(self._loss(), self._parameters, create_graph=True, allow_unused=True)
            slope = self._flat(gradients) @ vector
            if not slope.requires_grad:  # a loss linear in the parameters
                return torch.zeros_like(vector)
            return self._flat(torch.autograd.grad(slope, self._parameters, allow_unused=True))

    def curvature(self, direction: Float[Tensor, " size"]) -> float:
        """d^T H d / d^T d. Along the task gradient it tells, to second order, what the first steps will cost."""
        unit = _unit(direction)
        return float(unit @ self.hessian_product(unit))

    def forecast(self, direction: Float[Tensor, " size"], radii: Sequence[float]) -> Float[Tensor, " radii"]:
        """Forecast growth of the loss after steps of given lengths: g^T d r + (d^T H d / 2) r^2 for the unit vector d.

        In float64. It is no bound; compare with :meth:`profile`.
        """
        unit = _unit(direction)
        slope, curvature = float(self.gradient() @ unit), float(unit @ self.hessian_product(unit))
        lengths = torch.tensor(radii, dtype=torch.float64)
        return slope * lengths + curvature / 2 * lengths.square()

    def profile(self, direction: Float[Tensor, " size"], radii: Sequence[float]) -> Float[Tensor, " radii"]:
        """Measured growth of the loss after steps of given lengths along a direction. In float64; the parameters are
        put back to the bit.
        """
        unit = _unit(direction)
        with sdpa_kernel(SDPBackend.MATH), torch.no_grad(), self._restored():
            start = float(self._loss())
            origin = parameters_to_vector(self._parameters)
            grown = []
            for radius in radii:
                self._move_to(origin + radius * unit)
                grown.append(float(self._loss()) - start)
        return torch.tensor(grown, dtype=torch.float64)

    def random_direction(self, generator: torch.Generator) -> Float[Tensor, " size"]:
        """A unit vector, uniform over directions; the generator is on the parameters' device."""
        like = parameters_to_vector(self._parameters).detach()
        return _unit(torch.randn(like.shape, generator=generator, dtype=like.dtype, device=like.device))

    def top_eigenvalue(self, generator: torch.Generator, *, num_products: int = 30) -> TopEigenvalue:
        """Largest eigenvalue of the Hessian, by Lanczos' method with full reorthogonalisation from a random start.

        Args:
            generator: Draws the start.
            num_products: Hessian products at most, and vectors of the parameters' size held in memory.

        Source: Lanczos 1950; Golub and Van Loan 2013, chapter 10.
        """
        basis = [self.random_direction(generator)]
        diagonal: list[float] = []
        beside: list[float] = []
        while True:
            product = self.hessian_product(basis[-1])
            diagonal.append(float(product @ basis[-1]))
            for _ in range(2):  # once leaves rounding errors that the next steps magnify
                for vector in basis:
                    product = product - (product @ vector) * vector
            remainder = float(product.norm())
            eigenvalues, vectors = _tridiagonal_eigen(diagonal, beside)
            residual = remainder * abs(float(vectors[-1, -1]))
            done = len(basis) == min(num_products, len(product))
            scale = float(eigenvalues.abs().max())
            if done or residual <= _RELATIVE_RESIDUAL * scale:
                return TopEigenvalue(float(eigenvalues[-1]), residual, len(basis))
            beside.append(remainder)
            basis.append(product / remainder)

    def _check_loss(self) -> None:
        with sdpa_kernel(SDPBackend.MATH), torch.no_grad():
            first, second = float(self._loss()), float(self._loss())
        if not (abs(first) < float("inf")):
            raise ValueError(f"`loss` must be finite, got {first}; look at the rows, or load the model in float32.")
        if first != second:
            raise ValueError(
                f"`loss` must be the same each time, got {first} and {second}; call eval() on the model and fix its rows."
            )

    def _flat(self, parts: Sequence[Tensor | None]) -> Tensor:
        """Join gradients; a parameter that the loss does not use has zeros."""
        filled = [
            torch.zeros_like(parameter) if part is None else part
            for part, parameter in zip(parts, self._parameters, strict=True)
        ]
        return torch.cat([part.reshape(-1) for part in filled])

    @contextmanager
    def _restored(self) -> Iterator[None]:
        kept = [parameter.detach().clone() for parameter in self._parameters]
        try:
            yield
        finally:
            for parameter, values in zip(self._parameters, kept, strict=True):
                parameter.copy_(values)

    def _move_to(self, vector: Tensor) -> None:
        sizes = [parameter.numel() for parameter in self._parameters]
        for parameter, part in zip(self._parameters, vector.split(sizes), strict=True):
            parameter.copy_(part.view_as(parameter))


def _unit(direction: Tensor) -> Tensor:
    norm = float(direction.norm())
    if not 0 < norm < float("inf"):
        raise ValueError(f"`direction` must have a positive, finite norm, got {norm}; a step needs a direction.")
    return direction / norm


def _tridiagonal_eigen(diagonal: Sequence[float], beside: Sequence[float]) -> tuple[Tensor, Tensor]:
    matrix = torch.diag(torch.tensor(diagonal, dtype=torch.float64))
    if beside:
        off = torch.tensor(beside, dtype=torch.float64)
        matrix = matrix + torch.diag(off, 1) + torch.diag(off, -1)
    return torch.linalg.eigh(matrix)
