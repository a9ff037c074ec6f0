"""Settings of agents that cannot be are told when an episode begins."""

import pytest

from agent_tom.agents import make_agent
from agent_tom.games import make_game


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"name": "fictitious_play", "order": -1}, "`order` must be at least 0, got -1"),
        ({"name": "fictitious_play", "prior": 0.0}, "`prior` must be above 0, got 0.0"),
        ({"name": "q_learning", "epsilon": 2.0}, "`epsilon` must be 0 to 1, got 2.0"),
        ({"name": "q_learning", "learning_rate": -1.0}, "`learning_rate` must be 0 to 1, got -1.0"),
        ({"name": "type_inference", "depth": -1}, "`depth` must be at least 0, got -1"),
    ],
)
def test_settings_out_of_range_are_told(spec, message):
    with pytest.raises(ValueError, match=message):
        make_agent(spec).begin(make_game("ipd"), 5, 1)
