"""An environment of PettingZoo that is a matrix game is found to be one, and another is refused."""

from collections.abc import Callable

import numpy as np
import pytest
from gymnasium import spaces
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pettingzoo import ParallelEnv
from pettingzoo.utils import parallel_to_aec

from agent_tom.adapters import from_pettingzoo
from agent_tom.games import MatrixGame, make_game
from agent_tom.games.repeated_game import RepeatedGame


class Env(ParallelEnv):
    """Rewards by a rule of the round, both actions and random numbers."""

    metadata = {"name": "env_v0"}  # noqa: RUF012

    def __init__(self, rule: Callable, *, players: int = 2, space: spaces.Space | None = None, rounds: int = 9):
        self.rule, self.rounds = rule, rounds
        self.possible_agents = [f"player_{number}" for number in range(players)]
        self.action_spaces = {agent: space or spaces.Discrete(2) for agent in self.possible_agents}

    def action_space(self, agent):
        return self.action_spaces[agent]

    def reset(self, seed=None, options=None):
        self.agents, self.played, self.draws = list(self.possible_agents), 0, np.random.default_rng(seed)
        return {}, {}

    def step(self, actions):
        assert all(self.action_spaces[agent].contains(action) for agent, action in actions.items())
        first, second = self.rule(self.played, *actions.values(), self.draws)
        self.played += 1
        over = self.played == self.rounds
        if over:
            self.agents = []
        done = dict.fromkeys(self.possible_agents, over)
        return {}, dict(zip(self.possible_agents, (first, second), strict=True)), done, done, {}


@st.composite
def payoffs(draw):
    shape = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    return [draw(arrays(np.float64, shape, elements=st.integers(-5, 5))) for _ in range(2)]


@settings(max_examples=25)
@given(payoffs(), st.integers(1, 4), st.booleans())
def test_a_repeated_game_becomes_the_game_it_was(both, horizon, in_turns):
    rows, columns = both[0].shape
    labels = tuple("abc"[:rows]), tuple("xyz"[:columns])
    game = MatrixGame(
        name="any", actions=labels[0], partner_actions=labels[1], payoffs=both[0], partner_payoffs=both[1]
    )
    env = RepeatedGame(game, horizon)
    found = from_pettingzoo(parallel_to_aec(env) if in_turns else env, actions=labels[0], partner_actions=labels[1])
    assert np.array_equal(found.payoffs, game.payoffs)
    assert np.array_equal(found.partner_payoffs, game.partner_payoffs)
    assert (found.actions, found.partner_actions) == labels


def test_actions_are_called_by_their_numbers_or_as_the_user_says():
    env = RepeatedGame(make_game("public_goods_4"), 5)  # 2 by 4
    found = from_pettingzoo(env)
    assert (found.name, found.actions, found.partner_actions) == ("repeated_game_v0", ("0", "1"), ("0", "1", "2", "3"))
    assert from_pettingzoo(env, actions=("keep", "give")).partner_actions == ("0", "1", "2", "3")
    alike = from_pettingzoo(RepeatedGame(make_game("ipd"), 5), actions=("give", "take"))
    assert alike.actions == alike.partner_actions == ("give", "take")
    with pytest.raises(ValueError, match="repeated_game_v0 has 2 actions, got 3 names for them: \\['a', 'b', 'c'\\]"):
        from_pettingzoo(env, actions=("a", "b", "c"))


def test_numbers_of_actions_may_begin_elsewhere():
    env = Env(lambda played, own, other, draws: (own, 10 * other), space=spaces.Discrete(2, start=3))
    found = from_pettingzoo(env)
    assert found.payoffs.tolist() == [[3, 3], [4, 4]]
    assert found.partner_payoffs.tolist() == [[30, 40], [30, 40]]


@pytest.mark.parametrize(
    ("rule", "rounds"),
    [
        (lambda played, own, other, draws: (own * (played + 1), 0), 9),  # what a round is worth grows
        (lambda played, own, other, draws: (own, other if played < 2 else 0), 9),
        (lambda played, own, other, draws: (draws.random(), 0), 9),
        (lambda played, own, other, draws: (0, draws.random()), 1),  # random, and over after a round
    ],
)
def test_rewards_that_the_joint_action_does_not_decide_are_refused(rule, rounds):
    with pytest.raises(ValueError, match="env_v0 pays .* at \\(.*, .*\\) in a first round, but .* `PettingZooGame`"):
        from_pettingzoo(Env(rule, rounds=rounds))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"players": 3}, "env_v0 has 3 agents, but a matrix game has 2"),
        ({"space": spaces.MultiBinary(2)}, "actions of player_0 in env_v0 are MultiBinary\\(2\\), but a matrix game"),
    ],
)
def test_other_environments_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        from_pettingzoo(Env(lambda *_: (0, 0), **changes))


def test_agents_that_take_turns_are_refused():
    env = parallel_to_aec(RepeatedGame(make_game("ipd"), 5))
    env.metadata = {"name": "turns_v0", "is_parallelizable": False}
    with pytest.raises(ValueError, match="in turns_v0 agents take turns, so it is no matrix game; .*`PettingZooGame`"):
        from_pettingzoo(env)


@pytest.mark.parametrize("form", ["env", "parallel_env"])
def test_the_librarys_own_game_is_ours(form):
    pytest.importorskip("pygame", reason="pygame is not installed, which this environment draws with")
    from pettingzoo.classic.rps import rps

    found = from_pettingzoo(getattr(rps, form)(), actions=("rock", "paper", "scissors"))
    ours = make_game("rps")
    assert found.actions == ours.actions
    assert np.array_equal(found.payoffs, ours.payoffs)
    assert np.array_equal(found.partner_payoffs, ours.partner_payoffs)
