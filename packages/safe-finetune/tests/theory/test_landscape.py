"""Slopes and curvatures of torch modules, against full Hessians in float64."""

import pytest
import torch
from torch import nn
from torch.nn.utils import parameters_to_vector

from safe_finetune.theory.landscape import LossLandscape


def quadratic(eigenvalues, slope=None):
    """A loss with known Hessian, in a rotated basis, over two parameters; and the rotation."""
    width = len(eigenvalues)
    generator = torch.Generator().manual_seed(0)
    rotation = torch.linalg.qr(torch.randn(width, width, generator=generator, dtype=torch.float64))[0]
    hessian = rotation @ torch.diag(torch.tensor(eigenvalues, dtype=torch.float64)) @ rotation.T
    linear = torch.zeros(width, dtype=torch.float64) if slope is None else slope
    parameters = [nn.Parameter(torch.zeros(2, 1).double()), nn.Parameter(torch.zeros(width - 2).double())]

    def loss():
        point = torch.cat([part.reshape(-1) for part in parameters])
        return point @ hessian @ point / 2 + linear @ point

    return LossLandscape(loss, parameters), hessian, rotation


class TinyAttention(nn.Module):
    """Attention through torch's fused function, whose fast forms have no second derivatives."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.project = nn.Linear(4, 12)
        self.head = nn.Linear(4, 3)

    def forward(self, inputs):
        query, key, value = self.project(inputs)[:, None].chunk(3, dim=-1)
        return self.head(nn.functional.scaled_dot_product_attention(query, key, value, is_causal=True)[:, 0])


@pytest.fixture
def attention():
    model = TinyAttention().double().eval()
    inputs = torch.randn(2, 5, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    labels = torch.arange(10) % 3

    def loss():
        return nn.functional.cross_entropy(model(inputs).reshape(-1, 3), labels)

    parameters = list(model.parameters())
    return LossLandscape(loss, parameters), parameters, loss


def full_hessian(landscape, size):
    return torch.stack([landscape.hessian_product(row) for row in torch.eye(size, dtype=torch.float64)])


def test_hessian_products_of_an_attention_module_are_differences_of_gradients(attention):
    landscape, parameters, _ = attention
    size = sum(parameter.numel() for parameter in parameters)
    hessian = full_hessian(landscape, size)
    torch.testing.assert_close(hessian, hessian.T, atol=1e-12, rtol=0)
    direction, before = landscape.random_direction(torch.Generator().manual_seed(2)), landscape.gradient()
    with torch.no_grad():
        parts = direction.split([parameter.numel() for parameter in parameters])
        for parameter, part in zip(parameters, parts, strict=True):
            parameter += 1e-6 * part.view_as(parameter)
    torch.testing.assert_close((landscape.gradient() - before) / 1e-6, hessian @ direction, atol=1e-5, rtol=1e-4)


def test_lanczos_finds_the_largest_eigenvalue(attention):
    landscape, parameters, _ = attention
    size = sum(parameter.numel() for parameter in parameters)
    exact = torch.linalg.eigvalsh(full_hessian(landscape, size))
    found = landscape.top_eigenvalue(torch.Generator().manual_seed(0))
    assert found.value == pytest.approx(float(exact[-1]), rel=1e-6)
    few = landscape.top_eigenvalue(torch.Generator().manual_seed(0), num_products=4)
    assert few.num_products == 4
    assert few.value < float(exact[-1])
    assert float((exact - few.value).abs().min()) <= few.residual


def test_lanczos_takes_the_largest_not_the_largest_in_size():
    landscape, _, _ = quadratic([-5.0, -1.0, 0.5, 2.0])
    found = landscape.top_eigenvalue(torch.Generator().manual_seed(0))
    assert found.value == pytest.approx(2.0, rel=1e-10)


def test_lanczos_stops_when_the_space_is_exhausted():
    """Two distinct eigenvalues need two products, and a flat loss one."""
    landscape, _, _ = quadratic([3.0, 3.0, 1.0, 1.0, 1.0])
    found = landscape.top_eigenvalue(torch.Generator().manual_seed(0))
    assert (found.num_products, found.value) == (2, pytest.approx(3.0))
    flat, _, _ = quadratic([0.0, 0.0, 0.0])
    assert flat.top_eigenvalue(torch.Generator().manual_seed(0)).num_products == 1


def test_curvature_forecast_and_profile_of_a_quadratic():
    """For a quadratic the forecast is exact: it equals the profile, and the closed form."""
    slope = torch.tensor([0.1, -0.2, 0.3, 0.0], dtype=torch.float64)
    landscape, hessian, rotation = quadratic([4.0, 3.0, 2.0, 1.0], slope)
    for column, eigenvalue in enumerate([4.0, 3.0, 2.0, 1.0]):
        assert landscape.curvature(7 * rotation[:, column]) == pytest.approx(eigenvalue)
    direction = torch.tensor([1.0, 2.0, 0.0, -2.0], dtype=torch.float64)
    unit, radii = direction / 3, [0.1, 1.0, 2.0]
    expected = torch.tensor([float(slope @ unit) * r + float(unit @ hessian @ unit) / 2 * r**2 for r in radii])
    torch.testing.assert_close(landscape.forecast(direction, radii), expected.double(), rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(landscape.profile(direction, radii), landscape.forecast(direction, radii))


def test_forecast_is_right_to_second_order(attention):
    """Halving the step divides its error by eight or more."""
    landscape, _, _ = attention
    direction = landscape.random_direction(torch.Generator().manual_seed(3))
    radii = [0.2, 0.1]
    errors = (landscape.profile(direction, radii) - landscape.forecast(direction, radii)).abs()
    assert errors[0] / errors[1] == pytest.approx(8, rel=0.3)


def test_profile_puts_the_parameters_back_even_after_a_failure(attention):
    landscape, parameters, loss = attention
    before = parameters_to_vector(parameters).clone()
    direction = torch.ones_like(before)
    landscape.profile(direction, [1.0, 10.0])
    assert torch.equal(parameters_to_vector(parameters), before)
    calls = iter([True, True, True, False])
    fragile = LossLandscape(lambda: loss() if next(calls) else 1 / 0, parameters)
    with pytest.raises(ZeroDivisionError):
        fragile.profile(direction, [1.0])
    assert torch.equal(parameters_to_vector(parameters), before)


def test_unused_parameters_and_linear_losses_have_no_curvature():
    used, unused = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(3))
    landscape = LossLandscape(lambda: used.sum(), [used, unused])
    assert landscape.gradient().tolist() == [1, 1, 0, 0, 0]
    assert landscape.curvature(torch.ones(5)) == 0.0


def test_bad_input_is_named():
    weight = nn.Parameter(torch.ones(2))
    with pytest.raises(ValueError, match="`parameters` must hold at least one tensor, got 0"):
        LossLandscape(lambda: weight.sum(), [])
    with pytest.raises(ValueError, match="each tensor once, got one twice"):
        LossLandscape(lambda: weight.sum(), [weight, weight])
    with pytest.raises(ValueError, match="must take gradients, number 1 does not"):
        LossLandscape(lambda: weight.sum(), [weight, torch.ones(2)])
    with pytest.raises(ValueError, match="`loss` must be finite, got nan"):
        LossLandscape(lambda: weight.sum() * float("nan"), [weight])
    draws = iter([torch.ones(()), torch.zeros(())])
    with pytest.raises(ValueError, match=r"`loss` must be the same each time, got 1.0 and 0.0; call eval\(\)"):
        LossLandscape(lambda: next(draws), [weight])
    with pytest.raises(ValueError, match="`direction` must have a positive, finite norm, got 0.0"):
        LossLandscape(lambda: weight.sum(), [weight]).curvature(torch.zeros(2))
