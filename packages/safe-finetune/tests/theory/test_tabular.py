"""The closed form is optimal, the frontier is monotone with slope lambda, and every bound holds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.special import softmax

from safe_finetune.theory.random_problems import random_tabular_problem
from safe_finetune.theory.tabular import TabularData, TabularProblem
from safe_finetune.theory.tabular_bounds import bound_loss_constraint, proxy_floor

STRENGTHS = [0.01, 0.1, 1.0, 10.0, 100.0]
problems = st.builds(
    lambda seed, overlap, distortion, uncovered: random_tabular_problem(
        np.random.default_rng(seed), overlap=overlap, distortion=distortion, uncovered=uncovered, num_contexts=12
    ),
    st.integers(0, 10_000),
    st.sampled_from([0.0, 0.25, 0.5, 1.0]),
    st.sampled_from([0.0, 0.1, 0.5, 1.0]),
    st.sampled_from([0.0, 0.3]),
)


def two_contexts():
    """Context 0 is in all data, context 1 in the safety data alone; numbers small enough to do by hand."""
    refuse, comply, half = [0.9, 0.1], [0.2, 0.8], [0.5, 0.5]
    return TabularProblem(
        safety=TabularData(contexts=np.array([0.5, 0.5]), responses=np.array([refuse, refuse])),
        proxy=TabularData(contexts=np.array([1.0, 0.0]), responses=np.array([half, half])),
        task=TabularData(contexts=np.array([1.0, 0.0]), responses=np.array([comply, comply])),
    )


def test_small_case_by_hand():
    problem = two_contexts()
    policy = problem.policy(3.0)
    np.testing.assert_allclose(policy, [[0.25 * 0.2 + 0.75 * 0.5, 0.25 * 0.8 + 0.75 * 0.5], [0.9, 0.1]])
    shared = 0.9 * np.log(0.9 / 0.425) + 0.1 * np.log(0.1 / 0.575)
    assert problem.gaps(policy).safety == pytest.approx(0.5 * shared)
    assert (problem.overlap, problem.uncovered_mass) == (1.0, 0.5)
    # joint masses: 0.45, 0.05, 0.45, 0.05 against 0.5, 0.5, 0, 0
    assert problem.safety.total_variation(problem.proxy) == pytest.approx(0.5)
    assert problem.safety.largest_loss(policy) == pytest.approx(-np.log(0.1))


def test_bounds_by_hand():
    """Context 0 is in all data; context 1 is in the safety and the task data, and the proxy lacks it."""
    refuse, comply, half = np.array([0.9, 0.1]), np.array([0.2, 0.8]), np.array([0.5, 0.5])
    problem = TabularProblem(
        safety=TabularData(contexts=half, responses=np.array([refuse, refuse])),
        proxy=TabularData(contexts=np.array([1.0, 0.0]), responses=np.array([half, refuse])),
        task=TabularData(contexts=half, responses=np.array([comply, comply])),
    )

    def divergence(first, second):
        return float((first * np.log(first / second)).sum())

    lost, held_back = divergence(refuse, comply) / 2, divergence(comply, refuse) / 2
    bounds = bound_loss_constraint(problem, 2.0)
    # The rarest response of policy and reference is the 0.1 of the refusal; the total variation is 1/2.
    assert bounds.safety == pytest.approx(lost + held_back / 2 + 2 * -np.log(0.1) / 2)
    assert bounds.safety_closed_form == pytest.approx((divergence(refuse, half) + np.log(1.25)) / 2 + lost)
    assert bounds.capability == pytest.approx(2 * divergence(half, comply))
    assert bounds.capability_closed_form == pytest.approx(np.log(5) / 2)
    assert bounds.capability_linear == 2.0


@settings(max_examples=5, deadline=None)
@given(problem=problems, strength=st.sampled_from([0.1, 3.0]))
def test_closed_form_equals_a_numerical_minimiser(problem, strength):
    """L-BFGS on logits, which knows nothing of mixtures, finds no better objective and the same policy."""
    weights = problem.task.contexts[:, None] * problem.task.responses
    weights = weights + strength * problem.proxy.contexts[:, None] * problem.proxy.responses

    def objective(flat):
        policy = softmax(flat.reshape(weights.shape), axis=1)
        slope = weights.sum(1, keepdims=True) * policy - weights
        return -(weights * np.log(policy)).sum(), slope.ravel()

    options = {"gtol": 1e-8, "ftol": 0.0, "maxiter": 2000}
    found = minimize(objective, np.zeros(weights.size), jac=True, method="L-BFGS-B", options=options)
    policy = problem.policy(strength)
    assert -(weights * np.log(policy)).sum() <= found.fun + 1e-12
    # A context counts by its weight in the objective, so that light ones are found less exactly.
    expected = softmax(found.x.reshape(weights.shape), axis=1)
    np.testing.assert_allclose(weights.sum(1, keepdims=True) * (policy - expected), 0, atol=1e-7)


@settings(max_examples=60, deadline=None)
@given(problem=problems, strength=st.sampled_from(STRENGTHS))
def test_every_bound_holds(problem, strength):
    gaps = problem.gaps(problem.policy(strength))
    bounds = bound_loss_constraint(problem, strength)
    assert gaps.safety <= bounds.safety + 1e-9
    assert gaps.safety <= bounds.safety_closed_form + 1e-9
    assert gaps.capability <= bounds.capability + 1e-9
    assert gaps.capability <= bounds.capability_closed_form + 1e-9
    assert bounds.capability_closed_form <= bounds.capability_linear + 1e-9
    assert bounds.capability_linear == pytest.approx(strength * problem.overlap)
    assert min(gaps) >= 0


@pytest.mark.parametrize("strength", STRENGTHS)
def test_bounds_are_met_where_responses_exclude_each_other(strength):
    """P_c and P_hat_s without a common response leave nothing for the closed forms to lose."""
    refuse, comply = np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])
    held = np.array([1.0])
    safety = TabularData(contexts=held, responses=refuse)
    problem = TabularProblem(safety=safety, proxy=safety, task=TabularData(contexts=held, responses=comply))
    gaps, bounds = problem.gaps(problem.policy(strength)), bound_loss_constraint(problem, strength)
    assert gaps.capability == pytest.approx(bounds.capability_closed_form, rel=1e-9)
    assert gaps.safety == pytest.approx(bounds.safety_closed_form, rel=1e-9)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 999), strength=st.sampled_from(STRENGTHS))
def test_without_overlap_nothing_is_traded(seed, strength):
    """Capability is whole, and safety lacks only what the proxy data get wrong."""
    problem = random_tabular_problem(np.random.default_rng(seed), overlap=0.0, distortion=0.3)
    gaps = problem.gaps(problem.policy(strength))
    assert gaps.capability == 0.0
    assert gaps.safety == pytest.approx(problem.safety.gap(problem.proxy.responses), abs=1e-12)
    assert np.isnan(problem.dual_price(strength))


@settings(max_examples=20, deadline=None)
@given(problem=problems)
def test_frontier_is_monotone_in_strength(problem):
    frontier = problem.frontier(np.geomspace(0.01, 100, 15).tolist())
    assert (np.diff(frontier.proxy) <= 1e-12).all()
    assert (np.diff(frontier.capability) >= -1e-12).all()


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 999), strength=st.sampled_from(STRENGTHS))
def test_slope_of_the_frontier_is_the_strength(seed, strength):
    problem = random_tabular_problem(np.random.default_rng(seed), overlap=0.5, distortion=0.1)
    assert problem.dual_price(strength) == pytest.approx(strength, rel=1e-3)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 999), strength=st.sampled_from(STRENGTHS))
def test_with_the_original_data_the_safety_gap_falls_as_one_over_the_strength(seed, strength):
    problem = random_tabular_problem(np.random.default_rng(seed), overlap=0.5, distortion=0.0)
    shared = problem.task.contexts[problem.safety.holds].sum()
    assert bound_loss_constraint(problem, strength).safety_closed_form <= shared / strength + 1e-9


def test_floor_is_zero_for_the_original_data_and_grows_with_distortion():
    floors = [
        proxy_floor(random_tabular_problem(np.random.default_rng(3), overlap=0.5, distortion=distortion), 10.0)
        for distortion in (0.0, 0.1, 0.5)
    ]
    assert floors[0] == 0.0
    assert floors[0] < floors[1] < floors[2]


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 999), overlap=st.floats(0, 1), distortion=st.floats(0, 1))
def test_random_problems_are_as_asked(seed, overlap, distortion):
    problem = random_tabular_problem(np.random.default_rng(seed), overlap=overlap, distortion=distortion)
    assert problem.overlap == pytest.approx(overlap, abs=1e-9)
    assert problem.uncovered_mass == 0.0
    assert problem.safety.total_variation(problem.proxy) <= distortion + 1e-9


def test_uncovered_contexts_are_counted():
    problem = random_tabular_problem(np.random.default_rng(0), overlap=1.0, distortion=0.0, uncovered=0.25)
    lacking = problem.safety.holds & ~problem.proxy.holds
    assert lacking.sum() == 5
    assert problem.uncovered_mass == pytest.approx(problem.safety.contexts[lacking].sum())


def test_bad_input_is_named():
    half = np.array([[0.5, 0.5]])
    with pytest.raises(ValueError, match="`contexts` must sum to 1 along the last axis, got 0.9"):
        TabularData(contexts=np.array([0.9]), responses=half)
    with pytest.raises(ValueError, match="`responses` must hold probabilities, got -0.5"):
        TabularData(contexts=np.array([1.0]), responses=np.array([[1.5, -0.5]]))
    data = TabularData(contexts=np.array([1.0]), responses=half)
    other = TabularData(contexts=np.array([1.0]), responses=np.array([[1.0, 0.0, 0.0]]))
    with pytest.raises(ValueError, match=r"`task` must have .* `safety`, \(1, 2\), got \(1, 3\)"):
        TabularProblem(safety=data, proxy=data, task=other)
    with pytest.raises(ValueError, match=r"`strength` \(lambda\) must be positive and finite, got 0.0"):
        two_contexts().policy(0.0)
    with pytest.raises(ValueError, match=r"`overlap` must be in \[0, 1\], got 1.5"):
        random_tabular_problem(np.random.default_rng(0), overlap=1.5, distortion=0.0)
    with pytest.raises(ValueError, match="`num_contexts` must be even and at least 4, got 5"):
        random_tabular_problem(np.random.default_rng(0), overlap=0.5, distortion=0.0, num_contexts=5)
