"""Constrained minimisers of linear softmax models against their optimality conditions, and the bounds."""

import numpy as np
import pytest

from safe_finetune.theory.bounds import loss_constraint_capability
from safe_finetune.theory.linear import LinearProblem
from safe_finetune.theory.linear_bounds import bound_parameter_constraint, curvature_in_ball
from safe_finetune.theory.random_problems import random_linear_problem
from safe_finetune.theory.softmax_regression import LinearData


@pytest.fixture(scope="module")
def problem():
    return small_problem(0)


def small_problem(seed: int, distortion: float = 0.2) -> LinearProblem:
    rng = np.random.default_rng(seed)
    return random_linear_problem(rng, distortion=distortion, num_features=5, num_responses=3, num_rows=60)


def test_minimisers_have_no_gradient(problem):
    assert np.linalg.norm(problem.safety.gradient(problem.aligned)) <= 1e-8
    assert np.linalg.norm(problem.task.gradient(problem.capable)) <= 1e-8
    for strength in (0.01, 1.0, 100.0):
        theta = problem.penalised(strength)
        slope = problem.task.gradient(theta) + strength * problem.proxy.gradient(theta)
        assert np.linalg.norm(slope) <= 1e-8 * (1 + strength)


def test_nothing_found_is_farther_than_needed(problem):
    """A common shift of all rows of theta changes no probability, so the nearest minimiser has none."""
    np.testing.assert_allclose((problem.capable - problem.aligned).mean(0), 0, atol=1e-9)


@pytest.mark.parametrize("share", [0.01, 0.3, 0.95])
def test_ball_minimiser_satisfies_the_optimality_conditions(problem, share):
    """On the sphere, with the negative gradient pointing straight outwards."""
    radius = share * float(np.linalg.norm(problem.capable - problem.aligned))
    theta = problem.in_ball(radius)
    outward, slope = theta - problem.aligned, -problem.task.gradient(theta)
    assert np.linalg.norm(outward) == pytest.approx(radius, rel=1e-12)
    cosine = (outward * slope).sum() / np.linalg.norm(outward) / np.linalg.norm(slope)
    assert cosine == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize("budget", [1e-3, 0.05])
def test_budget_minimiser_satisfies_the_optimality_conditions(problem, budget):
    """The budget is used up, and the task's gradient is the proxy's times the price, the other way."""
    theta, price = problem.within_budget(budget)
    assert problem.proxy_gap(theta) == pytest.approx(budget, rel=1e-8)
    np.testing.assert_allclose(problem.task.gradient(theta), -price * problem.proxy.gradient(theta), atol=1e-6)
    assert price > 0


def test_a_budget_that_does_not_bind_costs_nothing(problem):
    theta, price = problem.within_budget(100.0)
    np.testing.assert_array_equal(theta, problem.capable)
    assert price == 0.0


def test_a_tiny_ball_takes_the_steepest_step(problem):
    step = (problem.in_ball(1e-7) - problem.aligned) / 1e-7
    slope = -problem.task.gradient(problem.aligned)
    np.testing.assert_allclose(step, slope / np.linalg.norm(slope), atol=1e-5)


@pytest.mark.parametrize("share", [1 - 1e-4, 1 - 1e-5, 1 - 1e-7, 1 - 1e-12])
def test_a_ball_that_all_but_reaches_the_capable_model(problem, share):
    radius = share * float(np.linalg.norm(problem.capable - problem.aligned))
    theta = problem.in_ball(radius)
    assert np.linalg.norm(theta - problem.aligned) == pytest.approx(radius, rel=1e-12)
    assert -1e-12 <= problem.capability_gap(theta) <= 1e-6


def test_a_wide_ball_holds_the_capable_model(problem):
    np.testing.assert_array_equal(problem.in_ball(1e3), problem.capable)


@pytest.mark.parametrize("seed", range(3))
def test_parameter_bounds_hold_and_capability_grows_with_the_radius(seed):
    problem = small_problem(seed)
    distance = float(np.linalg.norm(problem.capable - problem.aligned))
    gaps = []
    for share in np.linspace(0.05, 1.1, 8):
        radius = float(share * distance)
        theta, bounds = problem.in_ball(radius), bound_parameter_constraint(problem, radius)
        gaps.append(problem.capability_gap(theta))
        assert problem.safety_gap(theta) <= bounds.safety + 1e-9
        assert gaps[-1] <= bounds.capability + 1e-9
        assert gaps[-1] <= bounds.capability_first_order + 1e-9
    assert (np.diff(gaps) <= 1e-9).all()
    assert gaps[-1] == 0.0


def test_first_order_bound_is_the_better_one_for_small_steps(problem):
    bounds = bound_parameter_constraint(problem, 1e-3)
    assert bounds.capability_first_order < bounds.capability


@pytest.mark.parametrize("radius", [1e-6, 0.3, 3.0, 1e4])
def test_curvature_in_a_ball_is_an_upper_bound(problem, radius):
    """No sampled point of the ball is more curved; in a tiny ball the bound is the centre's curvature."""
    rng, centre = np.random.default_rng(0), problem.aligned
    bound = curvature_in_ball(problem.safety, centre, radius)
    for _ in range(20):
        step = rng.normal(size=centre.shape)
        theta = centre + radius * step / np.linalg.norm(step)
        assert np.linalg.eigvalsh(problem.safety.hessian(theta))[-1] <= bound + 1e-12
    if radius < 1e-3:
        assert bound == pytest.approx(np.linalg.eigvalsh(problem.safety.hessian(centre))[-1], rel=1e-4)


def test_curvature_in_a_ball_is_tight_where_a_response_is_rare():
    """There the variance is the rare response's probability, which the worst step multiplies by e^(sqrt(2) r ||x||)."""
    data = LinearData(features=np.array([[1.0]]), targets=np.array([[0.5, 0.5]]))
    centre, radius = np.array([[0.0], [-12.0]]), 1.5
    worst = centre + radius * np.array([[-1.0], [1.0]]) / np.sqrt(2)
    curvature = np.linalg.eigvalsh(data.hessian(worst))[-1]
    assert curvature == pytest.approx(curvature_in_ball(data, centre, radius), rel=1e-3)


def test_penalised_frontier_has_the_slope_and_the_bound_of_its_strength(problem):
    """In a class that is not tabular too: -dL_c / dL_hat_s is lambda, and bound I-b holds."""
    for strength in (0.1, 1.0, 10.0):
        ends = [problem.penalised(strength * factor) for factor in (0.99, 1.01)]
        (first, second), (third, fourth) = [(problem.capability_gap(end), problem.proxy_gap(end)) for end in ends]
        assert (third - first) / (second - fourth) == pytest.approx(strength, rel=1e-3)
        bound = loss_constraint_capability(strength, proxy_gap=problem.proxy_gap(problem.capable))
        assert problem.capability_gap(problem.penalised(strength)) <= bound + 1e-9


def test_penalised_frontier_is_monotone(problem):
    thetas = [problem.penalised(float(strength)) for strength in np.geomspace(0.01, 100, 9)]
    assert (np.diff([problem.proxy_gap(theta) for theta in thetas]) <= 1e-9).all()
    assert (np.diff([problem.capability_gap(theta) for theta in thetas]) >= -1e-9).all()


def test_bad_input_is_named(problem):
    other = LinearData(features=np.ones((1, 4)), targets=np.array([[1.0, 0.0, 0.0]]))
    with pytest.raises(ValueError, match="`task` must have the 5 features and 3 responses of `safety`, got 4 and 3"):
        LinearProblem(safety=problem.safety, proxy=problem.proxy, task=other)
    with pytest.raises(ValueError, match="`radius` must be positive and finite, got -1.0"):
        problem.in_ball(-1.0)
    with pytest.raises(ValueError, match="`budget` must be positive and finite, got 0.0; at 0 take `best_proxy`"):
        problem.within_budget(0.0)
