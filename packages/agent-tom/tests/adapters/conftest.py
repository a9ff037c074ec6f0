"""Small sequential games, made at random or by hand."""

import numpy as np
import pytest

from agent_tom.adapters import SequentialGame, Turn


class Tree(SequentialGame):
    """A random game. A state is the path of moves; what is in it is drawn from the path alone.

    The focal player sees a coin for each turn of its own, which tells little of the path, and remembers all of them and
    its moves.
    """

    def __init__(self, seed, depth):
        self.name, self.seed, self.depth = f"tree_{seed}", seed, depth
        self.drawn = {}

    def _drawn(self, path):
        """Whose turn it is, what the focal player sees, and what both are paid."""
        if path not in self.drawn:
            flat = [0 if move is None else move + 1 for pair in path for move in pair]
            draws = np.random.default_rng([self.seed, len(path), *flat])
            self.drawn[path] = int(draws.integers(4)), int(draws.integers(2)), draws.integers(-3, 4, size=2).tolist()
        return self.drawn[path]

    def start(self):
        return ()

    def turn(self, state):
        return Turn.OVER if len(state) == self.depth else Turn(self._drawn(state)[0])

    def legal_actions(self, state, player):
        return [0, 1] if player == 1 else list(range(2 + self._drawn(state)[1]))

    def chances(self, state):
        return [(0.25, 0), (0.75, 1)]

    def next_state(self, state, action):
        turn = self.turn(state)
        pair = {Turn.FOCAL: (action, None), Turn.PARTNER: (None, action), Turn.CHANCE: (None, action)}
        return (*state, tuple(action) if turn == Turn.BOTH else pair[turn])

    def returns(self, state):
        first, second = self._drawn(state)[2]
        return float(first), float(second)

    def information_state(self, state, player):
        ways = [state[:length] for length in range(len(state)) if state[length][0] is not None]
        return tuple((self._drawn(way)[1], state[len(way)][0]) for way in ways), self._drawn(state)[1]


@pytest.fixture(scope="session")
def tree():
    """``tree(seed, depth)``: a random game with chance, turns of either and of both, and imperfect information."""
    return Tree


class Guess(SequentialGame):
    """The partner hides a coin on one of three sides and the focal player guesses it; a right guess of 2 is worth 4."""

    name = "guess"

    def start(self):
        return ()

    def turn(self, state):
        return (Turn.PARTNER, Turn.FOCAL, Turn.OVER)[len(state)]

    def legal_actions(self, state, player):
        return [0, 1, 2]

    def next_state(self, state, action):
        return (*state, action)

    def returns(self, state):
        won = (1.0, 1.0, 4.0)[state[1]] * (state[0] == state[1])
        return won, -won

    def information_state(self, state, player):
        return "hidden"


@pytest.fixture
def guess():
    return Guess()
