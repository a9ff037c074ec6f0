"""Regret adds up, and the round in which a learner passes an agent is found."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_tom.study import Study, crossover, cumulative_regret, horizon_rows, played_cells, run_study


@pytest.mark.parametrize(
    ("agent", "learner", "found"),
    [
        ([1, 2, 3, 4], [2, 3, 3, 3], 4),  # equal in the third round is not behind
        ([3, 4, 5, 6], [2, 3, 3, 3], 1),
        ([1, 4, 3, 6], [2, 3, 4, 5], 4),  # behind in the second, but not for good
        ([1, 2, 3, 3], [2, 3, 3, 3], None),
    ],
)
def test_crossover_by_hand(agent, learner, found):
    assert crossover(agent, learner) == found


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=12))
def test_from_the_crossover_on_the_learner_has_lost_less(pairs):
    agent, learner = np.cumsum(np.array(pairs), axis=0).T
    found = crossover(agent, learner)
    if found is None:
        assert agent[-1] <= learner[-1]
    else:
        assert (agent[found - 1 :] > learner[found - 1 :]).all()
        assert found == 1 or agent[found - 2] <= learner[found - 2]


def test_rows_say_what_was_lost_by_certain_rounds(tmp_path):
    run_study(
        Study(games=["rps"], partners=["single"], agents=["uniform", "rmax", "oracle"], horizon=30, episodes=6),
        tmp_path,
        progress=False,
    )
    uniform, rmax, oracle = horizon_rows(played_cells(tmp_path))
    assert list(uniform["lost_by"]) == [10, 25, 30]
    assert set(oracle["lost_by"].values()) == {0.0}
    assert oracle["crossover"] is None
    assert rmax["crossover"] is None
    lost = [cumulative_regret(played) for played in played_cells(tmp_path)]
    assert uniform["lost_by"][25] == lost[0][24]
    assert uniform["crossover"] == crossover(lost[0], lost[1])
    assert uniform["crossover"] is not None


def test_without_a_learner_there_is_no_crossover(tmp_path):
    run_study(Study(games=["rps"], partners=["single"], agents=["uniform"], horizon=5, episodes=2), tmp_path)
    (row,) = horizon_rows(played_cells(tmp_path))
    assert row["crossover"] is None
    assert list(row["lost_by"]) == [5]
