"""Any agent sits in the partner's seat: it sees the game from there, and plays as it would from the other."""

import copy

import numpy as np
import pytest

from agent_tom import MatrixGame, check_partner, make_agent, make_game, make_partner, play
from agent_tom.agents import AGENTS, LanguageModelAgent
from agent_tom.backends import ScriptedBackend
from agent_tom.partners import AgentPartner

IPD, IBS, RPS = make_game("ipd"), make_game("ibs"), make_game("rps")
# Two by three actions, so that a mistake of seats shows.
UNEVEN = MatrixGame(
    name="uneven",
    actions=("up", "down"),
    partner_actions=("left", "middle", "right"),
    payoffs=np.array([[1.0, 0, 2], [0, 3, 1]]),
    partner_payoffs=np.array([[2.0, 1, 0], [0, 1, 4]]),
)
LEARNERS = sorted(AGENTS.keys() - {"oracle", "language_model"})


@pytest.mark.parametrize("name", LEARNERS)
def test_every_learner_keeps_the_rules_of_a_partner(name):
    check_partner(AgentPartner(of=make_agent(name)), horizon=6)


@pytest.mark.parametrize("game", [IBS, UNEVEN], ids=lambda game: game.name)
@pytest.mark.parametrize("name", ["rmax", "ucb", "fictitious_play"])
def test_an_agent_sees_the_game_from_its_seat(name, game):
    episodes = play(game, AgentPartner(of=make_agent(name)), make_agent("uniform"), horizon=20, episodes=3)
    agent, no_draws = make_agent(name), np.empty((3, 0))
    agent.begin(game.seen_by_partner(), 20, 3)
    for played in range(20):
        assert np.array_equal(agent.act(no_draws), episodes.partner_dists[:, played])
        own, others = episodes.partner_actions[:, played], episodes.actions[:, played]
        agent.observe(own, others, game.partner_payoffs[others, own])


def test_what_it_says_is_kept_unless_it_draws_itself():
    fixed = make_agent("uniform")
    told = play(RPS, AgentPartner(of=make_agent("fictitious_play")), fixed, horizon=5, episodes=2)
    assert told.partner_dists.shape == (2, 5, 3)
    assert np.take_along_axis(told.partner_dists, told.partner_actions[..., None], -1).min() > 0
    assert (told.states == 0).all()
    assert play(RPS, AgentPartner(of=make_agent("thompson")), fixed, horizon=5, episodes=2).partner_dists is None


def test_both_draw_from_numbers_of_their_own():
    episodes = play(RPS, AgentPartner(of=make_agent("uniform")), make_agent("uniform"), episodes=60)
    agree = (episodes.actions == episodes.partner_actions).mean()
    assert agree == pytest.approx(1 / 3, abs=0.03)  # 6000 pairs, of which 4 standard errors are below 0.025


def test_an_agent_can_play_against_itself():
    agent = make_agent("fictitious_play")
    alone = play(RPS, AgentPartner(of=make_agent("fictitious_play")), make_agent("fictitious_play"), horizon=20)
    same = play(RPS, AgentPartner(of=agent), agent, horizon=20)
    assert np.array_equal(alone.actions, same.actions)
    assert np.array_equal(alone.partner_actions, same.partner_actions)


def copies(text, probe, options):
    """Plays what the other player did last, and its first option before."""
    last = text.rstrip().rpartition("the other player chose ")[2].partition(",")[0]
    found = [float(option.strip() == last) for option in options]
    return found if any(found) else [1.0, *[0.0] * (len(options) - 1)]


def test_two_language_models_read_texts_of_their_own():
    backend = ScriptedBackend(copies)
    agent = LanguageModelAgent(model=backend, wording="plain", most_episodes=3)
    partner = AgentPartner(of=LanguageModelAgent(model=backend, wording="plain", most_episodes=2))
    episodes = play(IPD, partner, agent, horizon=4, episodes=5)
    # Each copies the other's move of the round before, in words that are its own.
    assert np.array_equal(episodes.actions[:, 1:], episodes.partner_actions[:, :-1])
    assert np.array_equal(episodes.partner_actions[:, 1:], episodes.actions[:, :-1])
    assert "you chose" in backend.texts[0]
    assert len(backend.texts) == 1  # the last group: 2, 2 and 1 of the five


def test_a_model_loaded_by_name_is_shared_and_its_texts_are_not(monkeypatch):
    backend = ScriptedBackend(copies)
    monkeypatch.setattr("agent_tom.agents.language_model._backend", lambda *arguments: backend)
    agent = LanguageModelAgent(model="scripted")
    other = copy.copy(agent)
    for each in (agent, other):
        each.begin(IPD, 2, 2)
    agent.observe(np.array([0, 1]), np.array([1, 0]), np.array([0.0, 10.0]))
    assert "Round 1" in agent._talk.asked.texts[0]
    assert "Round 1" not in other._talk.asked.texts[0]


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (make_agent("oracle"), "oracle"),
        (LanguageModelAgent(model=ScriptedBackend(copies), strategy="oracle_max"), "language_model"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_who_must_be_told_is_refused_on_either_side(agent, name):
    with pytest.raises(
        ValueError, match=f"agent '{name}' must be told the rule of whom it meets, so it cannot be a part"
    ):
        AgentPartner(of=agent)
    message = (
        f"agent '{name}' must be told the rule of its partner, but partner 'agent' has none that is known; leave one"
    )
    with pytest.raises(ValueError, match=message):
        play(RPS, AgentPartner(of=make_agent("rmax")), agent, horizon=2, episodes=1)


def test_there_is_no_automaton():
    with pytest.raises(
        ValueError, match="partner 'agent' only plays and has no automaton, so the best play against it"
    ):
        make_partner({"name": "noisy", "of": {"name": "agent", "of": "rmax"}}).automaton(RPS, 5)
