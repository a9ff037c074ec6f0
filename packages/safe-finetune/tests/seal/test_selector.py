"""The selector's gradient is autograd's, its steps are what they say, and its state is all of it."""

import pytest
import torch

from safe_finetune.seal import Selector

ROWS = torch.tensor([3, 0, 7, 3])  # one row twice: streams begin anew inside a batch
DIFFERENCES = torch.tensor([0.7, -1.2, 2.0, 0.4])


def selector(activation="softmax", optimizer="mirror", **settings):
    made = Selector(9, activation=activation, optimizer=optimizer, **settings)
    made.logits += torch.linspace(-1, 1, 9)
    return made


def lower_level(logits, activation):
    weights = len(logits) * logits.softmax(0) if activation == "softmax" else 2 * logits.sigmoid()
    return (weights[ROWS] * DIFFERENCES.to(logits.dtype)).mean()


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_gradient_is_that_of_autograd_and_of_finite_differences(activation):
    made = selector(activation)
    made.logits = made.logits.double()
    found = made.gradient(ROWS, DIFFERENCES.double())
    logits = made.logits.clone().requires_grad_()
    (expected,) = torch.autograd.grad(lower_level(logits, activation), logits)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-14)
    for row in range(9):
        moved = torch.zeros(9, dtype=torch.float64)
        moved[row] = 1e-6
        there, back = (lower_level(made.logits + sign * moved, activation) for sign in (1, -1))
        assert float(there - back) / 2e-6 == pytest.approx(float(found[row]), abs=1e-8)


def test_softmax_gradient_over_all_rows_is_that_of_the_paper():
    """d/d omega_i of (1/N) sum_k sigma_k d_k is (sigma_i / N) (d_i - weighted mean of d)."""
    made = selector()
    differences = torch.linspace(-1, 2, 9) ** 2
    weights = made.weights()
    expected = weights / 9 * (differences - (weights * differences).mean())
    torch.testing.assert_close(made.gradient(torch.arange(9), differences), expected)


@pytest.mark.parametrize(("activation", "start"), [("softmax", 1.0), ("sigmoid", 1.0)])
def test_weights_begin_at_one(activation, start):
    torch.testing.assert_close(Selector(5, activation=activation).weights(), torch.full((5,), start), rtol=0, atol=1e-4)


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_mirror_step_moves_visited_rows_alone(activation):
    made = selector(activation, learning_rate=0.5)
    before = made.logits.clone()
    made.step(ROWS[:3], DIFFERENCES[:3], DIFFERENCES[:3], 1)
    visited = torch.zeros(9, dtype=torch.bool)
    visited[ROWS] = True
    assert torch.equal(made.logits[~visited], before[~visited])
    assert (made.logits[visited] != before[visited]).all()
    moved = (made.logits - before)[ROWS[:3]]
    # What rows differ by, they move apart by.
    torch.testing.assert_close(moved - moved[0], -0.5 * (DIFFERENCES[:3] - DIFFERENCES[0]))
    if activation == "sigmoid":
        torch.testing.assert_close(moved, -0.5 * DIFFERENCES[:3])


def test_mirror_step_over_all_rows_is_exponentiated_gradient():
    made = selector(learning_rate=0.5)
    weights, differences = made.weights(), torch.linspace(-1, 1, 9) ** 3
    made.step(torch.arange(9), differences, differences, 1)
    expected = weights * (-0.5 * differences).exp()
    torch.testing.assert_close(made.weights(), 9 * expected / expected.sum())


def test_dense_steps_are_those_of_torch():
    for name, optimizer in (
        ("sgd", lambda part: torch.optim.SGD([part], lr=0.1)),
        ("adam", lambda part: torch.optim.Adam([part], lr=0.1, betas=(0.9, 0.95))),
    ):
        made = selector(optimizer=name, learning_rate=0.1)
        logits = made.logits.clone().requires_grad_()
        steps = optimizer(logits)
        for number in range(1, 4):
            made.step(ROWS, DIFFERENCES.abs(), DIFFERENCES * number, number)
            steps.zero_grad()
            (number * lower_level(logits, "softmax")).backward()
            steps.step()
        torch.testing.assert_close(made.logits, logits.detach(), rtol=1e-5, atol=1e-6)


def test_visits_and_losses_are_noted():
    made = selector()
    made.step(ROWS, DIFFERENCES.abs(), DIFFERENCES, 5)
    assert made.num_visits.tolist() == [1, 0, 0, 2, 0, 0, 0, 1, 0]
    assert made.last_visit_steps.tolist() == [5, 0, 0, 5, 0, 0, 0, 5, 0]
    assert made.last_losses[7] == 2.0
    assert made.last_losses.isnan().sum() == 6


def test_state_goes_on_as_the_original():
    one, other = selector(optimizer="adam"), Selector(9, optimizer="adam")
    one.step(ROWS, DIFFERENCES, DIFFERENCES, 1)
    other.load_state({name: part.clone() for name, part in one.state().items()})
    for each in (one, other):
        each.step(ROWS, DIFFERENCES, DIFFERENCES, 2)
    for name, part in one.state().items():
        torch.testing.assert_close(other.state()[name], part, rtol=0, atol=0, equal_nan=True)
