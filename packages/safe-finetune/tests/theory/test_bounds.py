"""The formulas by hand, and what they refuse."""

import pytest

from safe_finetune.theory.bounds import (
    loss_constraint_capability,
    loss_constraint_safety,
    parameter_constraint_capability,
    parameter_constraint_first_order,
    parameter_constraint_safety,
)


def test_values_by_hand():
    safety = loss_constraint_safety(
        4.0,
        comparator_capability_gap=2.0,
        loss_ceiling=3.0,
        total_variation=0.1,
        comparator_safety_gap=0.05,
        slack=0.4,
    )
    assert safety == pytest.approx(0.05 + 2.4 / 4 + 0.6)
    assert loss_constraint_capability(4.0, proxy_gap=0.5, slack=0.1) == pytest.approx(2.1)
    assert parameter_constraint_safety(2.0, gradient_norm=0.1, curvature=3.0) == pytest.approx(6.2)
    assert parameter_constraint_capability(1.0, distance=4.0, start_gap=2.0) == pytest.approx(1.5)
    first_order = parameter_constraint_first_order(0.5, gradient_norm=1.0, curvature=2.0, start_gap=2.0)
    assert first_order == pytest.approx(2 - 0.5 + 0.25)


@pytest.mark.parametrize(("radius", "distance"), [(4.0, 4.0), (5.0, 4.0), (1.0, 0.0)])
def test_a_ball_that_reaches_the_minimiser_loses_nothing(radius, distance):
    assert parameter_constraint_capability(radius, distance=distance, start_gap=2.0) == 0.0


def test_bad_input_is_named():
    with pytest.raises(ValueError, match=r"`total_variation` must be in \[0, 1\], got 1.5"):
        loss_constraint_safety(1.0, comparator_capability_gap=1.0, loss_ceiling=1.0, total_variation=1.5)
    with pytest.raises(ValueError, match=r"`strength` \(lambda\) must be positive and finite, got -1.0"):
        loss_constraint_capability(-1.0, proxy_gap=1.0)
    with pytest.raises(ValueError, match="`radius` must be positive and finite, got inf"):
        parameter_constraint_safety(float("inf"), gradient_norm=0.0, curvature=1.0)
