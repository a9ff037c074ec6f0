"""Lambda goes up while the budget is broken, down while it is kept, and says when it cannot be kept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safe_finetune.constrained import Multiplier


@given(losses=st.lists(st.floats(0, 10), min_size=1, max_size=30), budget=st.floats(0.1, 5))
def test_lambda_is_the_clipped_sum_of_violations(losses, budget):
    found = Multiplier(budget=budget, learning_rate=0.5, most=3.0)
    average, value = losses[0], 0.0
    for loss in losses:
        found.step(loss)
        average = 0.9 * average + 0.1 * loss
        value = min(max(value + 0.5 * (average - budget), 0.0), 3.0)
        assert found.value == pytest.approx(value)
        assert found.violation == pytest.approx(average - budget)


def test_it_finds_the_price_of_a_convex_problem():
    """Min (x - 1)^2 with x^2 <= 0.25: x = 1/2, and lambda = 1 by the derivative."""
    multiplier, x = Multiplier(budget=0.25, learning_rate=0.1), 0.0
    for _ in range(3000):
        x -= 0.05 * (2 * (x - 1) + multiplier.value * 2 * x)
        multiplier.step(x * x)
    assert x == pytest.approx(0.5, abs=1e-3)
    assert multiplier.value == pytest.approx(1.0, abs=1e-2)


def test_a_penalty_does_not_move():
    multiplier = Multiplier(budget=0.1, value=2.0, learning_rate=0.0)
    for _ in range(20):
        multiplier.step(5.0)
    assert multiplier.value == 2.0
    assert not multiplier.is_infeasible


def test_a_budget_that_cannot_be_kept_is_noticed():
    multiplier = Multiplier(budget=0.1, learning_rate=1.0, most=2.0)
    for _ in range(20):
        multiplier.step(5.0)
    assert multiplier.value == 2.0
    assert multiplier.is_infeasible
    assert Multiplier(**multiplier.state()) == multiplier
