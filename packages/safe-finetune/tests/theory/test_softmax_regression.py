"""Derivatives against autograd in float64, and minimisers against known answers."""

import numpy as np
import pytest
import torch

from safe_finetune.theory.softmax_regression import LinearData, minimise


def random_data():
    rng = np.random.default_rng(0)
    return LinearData(features=rng.normal(size=(40, 5)), targets=rng.dirichlet(np.ones(3), size=40))


def torch_loss(data, flat, shape):
    logits = torch.from_numpy(data.features) @ flat.reshape(shape).T
    return torch.nn.functional.cross_entropy(logits, torch.from_numpy(data.targets))


def test_derivatives_equal_autograd():
    data = random_data()
    theta = np.random.default_rng(1).normal(size=(3, 5))
    flat = torch.from_numpy(theta.ravel()).requires_grad_()
    loss = torch_loss(data, flat, theta.shape)
    gradient = torch.autograd.grad(loss, flat)[0].reshape(theta.shape)
    hessian = torch.autograd.functional.hessian(lambda point: torch_loss(data, point, theta.shape), flat)
    assert data.loss(theta) == pytest.approx(float(loss.detach()), rel=1e-12)
    np.testing.assert_allclose(data.gradient(theta), gradient, atol=1e-14)
    np.testing.assert_allclose(data.hessian(theta), hessian, atol=1e-14)


def test_exact_targets_are_recovered_up_to_a_shift():
    rng = np.random.default_rng(4)
    features, theta = rng.normal(size=(50, 4)), rng.normal(size=(3, 4))
    exponentials = np.exp(features @ theta.T)
    data = LinearData(features=features, targets=exponentials / exponentials.sum(1, keepdims=True))
    found = minimise([(1.0, data)], np.zeros((3, 4)))
    np.testing.assert_allclose(found - found.mean(0), theta - theta.mean(0), atol=1e-6)


def test_a_search_that_does_not_arrive_says_so(monkeypatch):
    monkeypatch.setattr("safe_finetune.theory.softmax_regression.GRADIENT_TOLERANCE", 0.0)
    with pytest.raises(RuntimeError, match="gradient's norm is still .*, allowed is 0; scale the features"):
        minimise([(1.0, random_data())], np.zeros((3, 5)))


def test_the_proximal_term_pulls_to_the_anchor():
    """At the minimum the loss's gradient is the pull, from whatever guess the search starts."""
    data, anchor = random_data(), np.ones((3, 5))
    theta = minimise([(2.0, data)], anchor, proximal=0.5)
    np.testing.assert_allclose(2 * data.gradient(theta), -0.5 * (theta - anchor), atol=1e-8)
    other = minimise([(2.0, data)], anchor, proximal=0.5, guess=-anchor)
    np.testing.assert_allclose(theta, other, atol=1e-7)


def test_rows_weigh_as_if_they_were_repeated():
    data, theta = random_data(), np.ones((3, 5))
    weights = np.arange(40) % 3 + 0.0
    rows = np.repeat(np.arange(40), np.arange(40) % 3)
    repeated = LinearData(features=data.features[rows], targets=data.targets[rows])
    np.testing.assert_allclose(data.hessian(theta, weights), repeated.hessian(theta) * len(rows) / 40)


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="`targets` must hold distributions, got a row 1 with sum 0.5"):
        LinearData(features=np.ones((2, 1)), targets=np.array([[0.5, 0.5], [0.5, 0.0]]))
    with pytest.raises(ValueError, match="at least one row, got 0"):
        LinearData(features=np.ones((0, 1)), targets=np.ones((0, 2)))
