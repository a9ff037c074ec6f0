"""The hardest mixture of partners is the one that zero-sum theory names."""

import numpy as np
import pytest

from agent_tom.partners import hardest_weights


def test_rock_paper_scissors_is_hardest_evenly_mixed():
    regrets = np.array([[1.0, 2.0, 0.0], [0.0, 1.0, 2.0], [2.0, 0.0, 1.0]])
    assert hardest_weights(regrets) == pytest.approx(1 / 3, abs=0.01)


def test_an_agent_that_fears_one_partner_most_meets_that_one():
    assert hardest_weights(np.array([[0.1, 0.5, 0.2]])) == pytest.approx([0, 1, 0], abs=1e-3)


def test_the_mixture_is_worse_for_the_best_agent_than_any_other():
    regrets = np.array([[0.0, 3.0], [2.0, 0.0]])  # worst is (3/5, 2/5), where both lose 6/5
    weights = hardest_weights(regrets)
    assert weights == pytest.approx([0.6, 0.4], abs=0.02)
    assert (regrets @ weights).min() == pytest.approx(1.2, abs=0.03)
