"""A chat reads as its template prints it, and a game longer than a model can read goes on with what fits."""

import numpy as np
import pytest

from agent_tom import make_game, make_partner, play
from agent_tom.agents import LanguageModelAgent
from agent_tom.backends import ScriptedBackend, TransformersBackend
from gpu_commons.testing import tiny_model, tiny_tokenizer

RANDOM = pytest.mark.filterwarnings("ignore:only .* of the probability:UserWarning")  # random models understand nothing


class Brief(TransformersBackend):
    """Stops writing before it takes time."""

    def generate(self, probes, *, max_tokens, **settings):
        return super().generate(probes, max_tokens=8, **settings)


class Telling(Brief):
    """Keeps the text of its first row as it was given, and what it was asked."""

    def begin(self, texts):
        self.text, self.asked = texts[0], getattr(self, "asked", [])
        super().begin(texts)

    def append(self, texts):
        self.text += texts[0]
        super().append(texts)

    def score(self, probes, options):
        self.asked.append((self.text + probes[0], options[0]))
        return super().score(probes, options)


def tiny(kind=Brief, longest=4096, **settings):
    return kind(tiny_model(max_position_embeddings=longest), tiny_tokenizer(), **settings)


def episodes_of(backend, rounds, *, partner="grim", **settings):
    game = make_game("ibs")
    agent = LanguageModelAgent(model=backend, **settings)
    made = make_partner(partner).automaton(game, rounds)
    return play(game, made, agent, horizon=rounds, episodes=2), agent.account()


@RANDOM
def test_a_chat_is_scored_as_its_template_prints_it():
    backend = tiny(Telling)
    _, account = episodes_of(backend, 3, chat=True)
    text, options = backend.asked[5]
    user = text.removeprefix("<user> ").partition("<eos>")[0]
    printed = backend.tokenizer.apply_chat_template(
        [{"role": "user", "content": user}], tokenize=False, add_generation_prompt=True
    )
    assert text == printed + "Answer:"
    assert user.startswith("You play a game")
    assert user.count("\nRound") == 2
    assert user.endswith("\nQuestion: which option do you choose in round 3?")
    assert options == [" J\n", " F\n", " J<eos>", " F<eos>"]
    assert account.first_text == backend.asked[1][0]


@RANDOM
@pytest.mark.parametrize("strategy", ["qa", "social_lm", "s2a"])
def test_a_cache_changes_nothing_in_a_chat(strategy):
    kept, anew = (episodes_of(tiny(cached=cached), 3, chat=True, strategy=strategy)[0] for cached in (True, False))
    assert np.array_equal(kept.actions, anew.actions)
    assert kept.action_dists == pytest.approx(anew.action_dists, abs=1e-4)
    assert kept.legal_masses == pytest.approx(anew.legal_masses, abs=1e-4)


@RANDOM
def test_a_list_of_moves_is_a_chat_too():
    backend = tiny(Telling)
    copies = []
    Telling.__copy__ = lambda self: copies.append(tiny(Telling)) or copies[-1]
    try:
        episodes_of(backend, 2, chat=True, prediction="partner_list")
    finally:
        del Telling.__copy__
    assert copies[0].asked[1][0].startswith("<user> The choices of the other player")
    assert copies[0].asked[1][0].endswith("\n<eos><assistant> Choice:")


def test_a_model_without_a_template_is_told_before_play():
    with pytest.raises(ValueError, match="knows no chat template; set `chat` to false"):
        episodes_of(ScriptedBackend(lambda text, probe, options: [0.5, 0.5]), 1, chat=True)


@RANDOM
def test_a_window_keeps_the_rules_and_the_last_rounds():
    backend = tiny(Telling, longest=950)
    found, account = episodes_of(backend, 12, overflow="window")
    assert found.horizon == 12
    read = account.counts["rounds_read"]
    assert read[:, 0].tolist() == [0, 0]
    assert 0 < read.max() < 11
    assert read[0, -1] == backend.text.count("\nRound")
    text = backend.asked[-1][0]
    assert text.startswith("You play a game")
    assert "\nRound 1:" not in text
    assert "\nRound 11:" in text
    assert max(backend.count(asked) for asked, _ in backend.asked) < 950


@RANDOM
def test_a_summary_is_written_of_rounds_that_fall_out():
    backend = tiny(Telling, longest=1230)
    _, account = episodes_of(backend, 12, overflow="summary")
    counts = account.counts
    wrote = np.flatnonzero(counts["texts"][0])
    assert len(wrote) > 0
    for played in wrote:
        # After this round half of those read fell out.
        assert counts["rounds_read"][0, played + 1] <= (counts["rounds_read"][0, played] + 1) / 2 + 1
    assert "\nRound 1:" not in backend.asked[-1][0]
    assert "Earlier rounds in short: " in backend.asked[-1][0]


@RANDOM
@pytest.mark.parametrize("overflow", ["window", "summary"])
def test_what_falls_out_does_not_depend_on_the_episodes_beside(overflow):
    game = make_game("ibs")
    partner = make_partner("tit_for_tat").automaton(game, 8)
    found = []
    for most in (1, 3):
        agent = LanguageModelAgent(
            model=tiny(longest=1311 if overflow == "summary" else 1035),
            wording="story",
            overflow=overflow,
            writing="sample",
            most_episodes=most,
        )
        found.append(play(game, partner, agent, horizon=8, episodes=3))
    assert agent.account().counts["rounds_read"].max() < 7
    assert np.array_equal(found[0].actions, found[1].actions)
    assert found[0].action_dists == pytest.approx(found[1].action_dists, abs=1e-4)


def test_rules_that_are_too_long_by_themselves_are_refused():
    with pytest.raises(ValueError, match=r"the rules and a round of ibs take about \d+ tokens, .* at most 200"):
        episodes_of(tiny(longest=200), 3, overflow="window")


def test_what_is_illegal_goes_where_the_setting_says():
    backend = ScriptedBackend(lambda text, probe, options: [0.25] * 2)
    for illegal, expected in (("renormalise", 0.5), ("uniform", 0.5), ("forfeit", 0.75)):
        game = make_game("ipd")
        agent = LanguageModelAgent(model=backend, illegal=illegal)
        found = play(game, make_partner("grim").automaton(game, 1), agent, horizon=1, episodes=1)
        assert found.action_dists[0, 0, game.actions.index("cooperate")] == pytest.approx(expected)
        assert found.legal_masses == pytest.approx(0.5)
