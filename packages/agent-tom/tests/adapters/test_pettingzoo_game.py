"""Environments of PettingZoo are played move by move, and what is hidden in them stays hidden."""

import numpy as np
import pytest
from gymnasium import spaces
from pettingzoo import AECEnv, ParallelEnv
from pettingzoo.utils import AgentSelector

from agent_tom import best_response, make_game, make_partner
from agent_tom.adapters import PettingZooGame, Turn, best_response_value, first_legal, play_sequential, uniform
from agent_tom.games.repeated_game import RepeatedGame


class Heap(AECEnv):
    """Take one to three from a heap, as the mask allows; who takes the last one wins."""

    metadata = {"name": "heap_v0", "render_modes": ["ansi"]}  # noqa: RUF012

    def __init__(self, size: int = 5, render_mode: str | None = None, mask_in: str = "observation"):
        self.size, self.render_mode, self.mask_in = size, render_mode, mask_in
        self.possible_agents = ["first", "second"]

    def action_space(self, agent):
        return spaces.Discrete(3, start=1)

    def _mask(self):
        return np.array([taken <= self.left for taken in (1, 2, 3)], dtype=np.int8)

    def observe(self, agent):
        left = np.array([self.left])
        return {"observation": left, "action_mask": self._mask()} if self.mask_in == "observation" else left

    def reset(self, seed=None, options=None):
        self.agents, self.left = list(self.possible_agents), self.size
        self.rewards = dict.fromkeys(self.agents, 0)
        self._cumulative_rewards = dict.fromkeys(self.agents, 0)
        self.terminations = dict.fromkeys(self.agents, False)
        self.truncations = dict.fromkeys(self.agents, False)
        self._selector = AgentSelector(self.agents)
        self.agent_selection = self._selector.next()
        self._inform()

    def step(self, action):
        agent = self.agent_selection
        if self.terminations[agent]:
            self._was_dead_step(action)
            return
        assert 1 <= action <= min(3, self.left)
        self.left -= action
        if self.left == 0:
            self.rewards = {each: 1 if each == agent else -1 for each in self.agents}
            self.terminations = dict.fromkeys(self.agents, True)
        self.agent_selection = self._selector.next()
        self._inform()

    def _inform(self):
        self.infos = {each: {"action_mask": self._mask()} if self.mask_in == "info" else {} for each in self.agents}

    def render(self):
        return f"{self.left} left" if self.render_mode else None


def perfect(game, state, player):
    """Leaves a multiple of four, if it can."""
    legal = game.legal_actions(state, player)
    best = state.env.left % 4
    return [float(action == best) for action in legal] if best in legal else uniform(game, state, player)


@pytest.mark.parametrize("mask_in", ["observation", "info"])
@pytest.mark.parametrize(("size", "value"), [(5, 1), (4, -1), (6, 1), (8, -1)])
def test_the_heap_is_won_by_who_can_leave_a_multiple_of_four(size, value, mask_in):
    game = PettingZooGame(lambda: Heap(size, mask_in=mask_in))
    assert best_response_value(game, perfect).value == value


def test_against_a_partner_that_takes_one_every_heap_of_five_is_won():
    game = PettingZooGame(Heap)
    episodes = play_sequential(game, perfect, first_legal, episodes=3)
    assert episodes.returns.tolist() == [[1, -1]] * 3
    assert episodes.moves[0][:2] == ((Turn.FOCAL, 1), (Turn.PARTNER, 1))


def test_masks_bound_what_is_legal():
    game = PettingZooGame(lambda: Heap(2))
    state = game.start()
    assert game.legal_actions(state, 0) == [1, 2]
    assert game.legal_actions(game.next_state(state, 1), 1) == [1]
    assert game.legal_actions(state, 0) == [1, 2]  # a state is not changed by what follows it


def test_texts_come_from_the_environment_or_the_user():
    plain, drawing = PettingZooGame(Heap), PettingZooGame(lambda: Heap(render_mode="ansi"))
    assert (plain.name, plain.describe(plain.start(), 0)) == ("heap_v0", "[5]")
    assert drawing.describe(drawing.start(), 0) == "5 left"
    assert plain.action_name(plain.start(), 0, 3) == "3"
    hooked = PettingZooGame(
        Heap,
        describe=lambda state, player: f"{player} sees {state.env.left}",
        action_name=lambda state, player, action: f"take {action}",
    )
    assert hooked.describe(hooked.start(), 0) == "0 sees 5"
    assert hooked.action_name(hooked.start(), 0, 3) == "take 3"


def copies(game, state, player):
    """Tit-for-tat that cooperates first; moves of both stand in turn."""
    last = state.moves[-3] if len(state.moves) > 2 else 0
    return [float(action == last) for action in game.legal_actions(state, player)]


@pytest.mark.parametrize("rounds", [1, 2, 3])
def test_a_repeated_game_is_worth_what_the_matrix_game_is(rounds):
    # Its agents move at once; here the partner comes second, and what the focal player chose is not seen before.
    ipd = make_game("ipd")
    automaton = make_partner("tit_for_tat").automaton(ipd, rounds)
    friendly = automaton.action_dist[:, 0] == 1
    expected = best_response(ipd, automaton, rounds).values[0][friendly].item()
    game = PettingZooGame(lambda: RepeatedGame(ipd, rounds))
    assert best_response_value(game, copies).value == pytest.approx(expected)


def test_who_moves_second_at_once_has_not_seen_the_first():
    game = PettingZooGame(lambda: RepeatedGame(make_game("rps"), 2))
    states = [game.next_state(game.start(), action) for action in (0, 1)]
    assert game.turn(states[0]) == Turn.PARTNER
    assert game.information_state(states[0], 1) == game.information_state(states[1], 1)
    after = [game.next_state(state, 2) for state in states]
    assert after[0].known == (((0, 0),), ((0, 2),))  # by player: nothing seen yet, and the own action
    assert game.information_state(after[0], 0) != game.information_state(after[1], 0)


class Drawn(ParallelEnv):
    """A number that the seed decides, or that nothing decides: 3 for guessing it right."""

    metadata = {"name": "drawn_v0"}  # noqa: RUF012
    render_mode = None

    def __init__(self, lost: bool = False, space: spaces.Space | None = None, players: int = 2):
        self.lost, self.space = lost, space or spaces.Discrete(3)
        self.possible_agents = list("abc"[:players])

    def action_space(self, agent):
        return self.space

    def observation_space(self, agent):
        return spaces.Discrete(1)

    def reset(self, seed=None, options=None):
        self.agents = list(self.possible_agents)
        self.number = np.random.default_rng().random() if self.lost else seed % 3
        return dict.fromkeys(self.agents, 0), {agent: {} for agent in self.agents}

    def step(self, actions):
        rewards = {agent: self.number if self.lost else 3.0 * (move == self.number) for agent, move in actions.items()}
        done, self.agents = dict.fromkeys(self.agents, True), []
        return dict.fromkeys(done, 0), rewards, done, done, {agent: {} for agent in done}


def test_chance_draws_a_seed_that_nobody_is_told():
    known = PettingZooGame(Drawn, seeds=[4])
    assert known.turn(known.start()) == Turn.FOCAL
    assert best_response_value(known, uniform).value == 3
    hidden = PettingZooGame(Drawn, seeds=[0, 1, 2, 4])
    assert hidden.turn(hidden.start()) == Turn.CHANCE
    assert hidden.chances(hidden.start()) == [(0.25, 0), (0.25, 1), (0.25, 2), (0.25, 4)]
    best = best_response_value(hidden, uniform)
    assert best.value == pytest.approx(3 / 2)  # 1 comes twice
    assert [plan.tolist() for plan in best.plan.values()] == [[0, 1, 0]]


@pytest.mark.parametrize(
    ("arguments", "seeds", "message"),
    [
        ({}, [], "`seeds` of drawn_v0 is empty; give at least one"),
        ({"lost": True}, [0], "drawn_v0 goes another way when the same moves are played after the same seed"),
        ({"players": 3}, [0], "drawn_v0 has 3 agents, but 2 are measured"),
        (
            {"space": spaces.MultiBinary(2)},
            [0],
            "actions of a in drawn_v0 are MultiBinary\\(2\\); only a Discrete space",
        ),
    ],
)
def test_environments_that_cannot_be_measured_are_told(arguments, seeds, message):
    with pytest.raises(ValueError, match=message):
        PettingZooGame(lambda: Drawn(**arguments), seeds=seeds)


def test_a_board_of_the_library_can_be_played():
    pytest.importorskip("pygame", reason="pygame is not installed, which this environment draws with")
    from pettingzoo.classic.tictactoe import tictactoe

    game = PettingZooGame(tictactoe.env)
    state = game.start()
    for move in (0, 3, 1, 4):
        state = game.next_state(state, move)
    assert game.legal_actions(state, 0) == [2, 5, 6, 7, 8]
    won = game.next_state(state, 2)
    assert (game.turn(won), game.returns(won)) == (Turn.OVER, (1, -1))
