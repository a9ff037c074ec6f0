"""Weights sum to 1, leave padding out exactly, and have the gradients that they should."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from memory_llm.memreasoner.addressing import address, address_loss, entmax15


def bisected(scores):
    """1.5-entmax in float64, its threshold found by halving."""
    halved = scores.double() / 2
    low, high = halved.amax() - 1, halved.amax()
    for _ in range(60):
        middle = (low + high) / 2
        over = (halved - middle).clamp(min=0).square().sum() > 1
        low, high = (middle, high) if over else (low, middle)
    return (halved - low).clamp(min=0).square()


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(-20, 20, width=32), min_size=1, max_size=12))
def test_entmax_is_what_bisection_finds(scores):
    scores = torch.tensor(scores)
    torch.testing.assert_close(entmax15(scores).double(), bisected(scores), rtol=1e-3, atol=2e-5)


def test_entmax_holds_for_many_lines_far_away():
    scores = torch.cat([torch.tensor([3.0, 2.5]), torch.full((100_000,), -5.0)])
    weights = entmax15(scores)
    torch.testing.assert_close(weights[:2], entmax15(scores[:2]))
    assert not weights[2:].any()


def test_entmax_has_its_exact_gradient(generator):
    scores = torch.randn(3, 7, dtype=torch.float64, generator=generator).requires_grad_()
    assert torch.autograd.gradcheck(entmax15, (scores,))
    weights = entmax15(scores[0])
    roots = weights.sqrt()
    expected = torch.diag(roots) - torch.outer(roots, roots) / roots.sum()
    torch.testing.assert_close(torch.autograd.functional.jacobian(entmax15, scores[0]), expected)


@pytest.mark.parametrize("kind", ["softmax", "entmax"])
def test_padding_weighs_nothing_whatever_its_score(kind, generator):
    scores = torch.randn(2, 5, generator=generator)
    mask = torch.tensor([[True, True, True, False, False], [True] * 5])
    weights = address(scores, mask, kind)
    torch.testing.assert_close(weights.sum(-1), torch.ones(2))
    assert not weights[0, 3:].any()
    loud = scores.masked_fill(~mask, 1e6)
    assert torch.equal(address(loud, mask, kind), weights)
    torch.testing.assert_close(address(scores[:1, :3], mask[:1, :3], kind), weights[:1, :3])


@pytest.mark.parametrize("kind", ["softmax", "entmax"])
def test_the_loss_pulls_scores_towards_the_wanted_line(kind, generator):
    scores = torch.randn(4, 6, dtype=torch.float64, generator=generator).requires_grad_()
    wanted = torch.tensor([0, 5, 2, 2])
    weights = address(scores, torch.ones(4, 6, dtype=torch.bool), kind)
    loss = address_loss(scores, weights, wanted, kind)
    (gradient,) = torch.autograd.grad(loss.sum(), scores)
    expected = weights.detach() - torch.nn.functional.one_hot(wanted, 6)
    torch.testing.assert_close(gradient, expected)


@pytest.mark.parametrize("kind", ["softmax", "entmax"])
def test_the_loss_is_nothing_where_the_line_is_found(kind):
    scores = torch.tensor([[50.0, 0.0, 0.0]])
    weights = address(scores, torch.ones(1, 3, dtype=torch.bool), kind)
    assert float(address_loss(scores, weights, torch.tensor([0]), kind)) == pytest.approx(0, abs=1e-6)
    assert float(address_loss(scores, weights, torch.tensor([1]), kind)) > 10
