"""Walks through an automaton, written without the code that plans and plays, and episodes made by hand."""

import jaxtyping
import numpy as np
import pytest

from agent_tom.playing.episodes import Episodes


@pytest.fixture
def unchecked():
    """Without the check of shapes with which tests run, which would come before the package's own."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.fixture(scope="session")
def walk():
    """``walk(automaton, focal, first)``: what a partner that draws no lots plays against these focal moves.

    ``first`` says which of several first actions it is.
    """

    def follow(automaton, focal, first=None):
        begin = np.flatnonzero(automaton.start).tolist()
        (state,) = [one for one in begin if first is None or automaton.action_dist[one, first] == 1]
        played = []
        for action in focal:
            (own,) = np.flatnonzero(automaton.action_dist[state]).tolist()
            played.append(own)
            ((_, state),) = automaton.outcomes(state, action, own)
        return played

    return follow


@pytest.fixture(scope="session")
def chances():
    """``chances(automaton, history)``: how likely the partner makes its part of these moves and then each action."""

    def follow(automaton, history=()):
        weights = automaton.start
        for action, own in history:
            after = np.zeros(automaton.num_states)
            for state in np.flatnonzero(weights).tolist():
                for share, found in automaton.outcomes(state, action, own):
                    after[found] += weights[state] * automaton.action_dist[state, own] * share
            weights = after
        return weights @ automaton.action_dist

    return follow


@pytest.fixture(scope="session")
def episodes_of():
    """``episodes_of(game, actions, partner_actions, states, predictions)``: episodes as nested lists."""

    def make(game, actions, partner_actions, states=None, predictions=None):
        actions, others = np.array(actions), np.array(partner_actions)
        return Episodes(
            numbers=np.arange(len(actions)),
            states=others if states is None else np.array(states),
            actions=actions,
            partner_actions=others,
            payoffs=game.payoffs[actions, others],
            action_dists=np.eye(game.num_actions)[actions],
            predictions=None if predictions is None else np.array(predictions, dtype=float),
        )

    return make
