"""Strategies in which a language model writes: what it writes after, and what becomes of it."""

import numpy as np
import pytest

from agent_tom import make_game, make_partner, play
from agent_tom.agents import LanguageModelAgent
from agent_tom.backends import ScriptedBackend, TransformersBackend
from agent_tom.prompts import strategy
from gpu_commons.testing import tiny_model, tiny_tokenizer

RANDOM = pytest.mark.filterwarnings("ignore:only .* of the probability:UserWarning")  # random models understand nothing
THINK = "Question: which option do you choose in round {}? Give your reasons, then choose.\nReasons:"


class Recording(ScriptedBackend):
    """Keeps what it was asked of its first row, and writes what it is told to."""

    def __init__(self, writes=lambda text, probe: " because."):
        super().__init__(lambda text, probe, options: [1 / len(options)] * len(options), writes)
        self.asked, self.wrote = [], []

    def __copy__(self):
        copied = type(self)(self.writes)
        copied.asked, copied.wrote = self.asked, self.wrote
        return copied

    def score(self, probes, options):
        self.asked.append((self.texts[0], probes[0], options[0]))
        return super().score(probes, options)

    def generate(self, probes, **settings):
        self.wrote.append((self.texts[0], probes[0]))
        return super().generate(probes, **settings)


class Brief(TransformersBackend):
    """A random model that stops before it takes time."""

    def __init__(self):
        super().__init__(tiny_model(max_position_embeddings=4096), tiny_tokenizer())

    def generate(self, probes, *, max_tokens, **settings):
        return super().generate(probes, max_tokens=8, **settings)


def played(backend, rounds, *, episodes=1, game="rps", **settings):
    """An agent after some episodes against a constant partner, its account, and the moves that were asked for."""
    made = make_game(game)
    partner = make_partner({"name": "single", "action": 1}).automaton(made, rounds)
    agent = LanguageModelAgent(model=backend, wording="plain", **settings)
    found = play(made, partner, agent, horizon=rounds, episodes=episodes)
    return found, agent.account()


def own_moves(backend):
    return [asked for asked in backend.asked if "do you choose" in asked[1]]


def test_thoughts_come_before_the_move_and_are_forgotten():
    backend = Recording(lambda text, probe: " It likes paper.\nSo I choose rock, and then")
    _, account = played(backend, 2, strategy="cot")
    first, second = own_moves(backend)
    assert backend.wrote[0][1] == THINK.format(1)
    assert first[1] == THINK.format(1) + " It likes paper.\nSo I choose"
    assert first[2] == [" rock.", " paper.", " scissors."]
    assert "likes" not in second[0]
    assert account.first_text == first[0] + first[1]
    assert account.counts["texts"].tolist() == [[1, 1]]
    assert account.counts["texts_cut_off"].tolist() == [[0, 0]]
    assert account.counts["tokens_written"].tolist() == [[len(" It likes paper.\n")] * 2]


def test_a_text_that_is_cut_off_is_followed_by_the_move_and_counted():
    backend = Recording(lambda text, probe: "<think>" + 500 * "x" if "round 1" in probe else "No.")
    found, account = played(backend, 2, strategy="cot")
    budget = strategy("cot").tokens
    assert own_moves(backend)[0][1].endswith("x\n</think>\n\nSo I choose")
    assert account.counts["texts_cut_off"].tolist() == [[1, 0]]
    assert account.counts["tokens_written"].tolist() == [[budget, 3]]
    assert found.legal_masses == pytest.approx(1)


def test_worked_rounds_of_other_games_stand_before_the_rules():
    backend = Recording()
    played(backend, 1, strategy="cot_3_shot")
    text = own_moves(backend)[0][0]
    assert text.count("\nSo I choose ") == 3
    assert text.index("Three rounds of other games") < text.index("So I choose amber.\n\nYou play a game")
    assert "rock" not in text.partition("You play a game")[0]


def test_lessons_are_drawn_every_five_rounds_and_the_last_three_are_told():
    backend = Recording(lambda text, probe: f"<think>hm</think> so it was\nin {text.count('Round')}")
    _, account = played(backend, 21, strategy="reflexion")
    assert [text.count("\nRound") for text, _ in backend.wrote] == [5, 10, 15, 20]
    moves = own_moves(backend)
    asked = "Question: which option do you choose in round {}?\nAnswer:"
    assert moves[4][1] == asked.format(5)
    assert moves[5][1] == "Lesson: so it was in 5\n" + asked.format(6)
    lessons = "".join(f"Lesson: so it was in {count}\n" for count in (10, 15, 20))
    assert moves[20][1] == lessons + asked.format(21)
    assert all("Lesson" not in text for text, _, _ in moves)
    assert backend.asked[10][1].startswith("Lesson: so it was in 5\nQuestion: which option will")
    assert account.counts["texts"].tolist() == [[0, 0, 0, 0, 1] * 4 + [0]]


def test_a_plan_and_an_insight_take_the_place_of_the_last_ones():
    backend = Recording(lambda text, probe: probe[-20:].split("\n")[-1] + str(text.count("Round")))
    played(backend, 11, strategy="plans_insights")
    assert [probe.count("Insight: Insight:") for _, probe in backend.wrote] == [0, 1, 1, 1]
    assert own_moves(backend)[10][1].startswith("Insight: Insight:10\nPlan: Plan:10\nQuestion:")


def test_only_what_the_model_made_of_the_past_is_read_with_attention_to_it():
    backend = Recording(lambda text, probe: f"{text.count('Round')} times paper")
    _, account = played(backend, 3, strategy="s2a")
    assert all("Round" not in text for text, _, _ in backend.asked)
    last = own_moves(backend)[2]
    assert last[1].startswith("What matters of the rounds so far: 2 times paper\nQuestion: which option do you choose")
    assert last[0].startswith("You play a game")
    text, probe = backend.wrote[1]
    assert text.count("\nRound") == 2
    assert "What matters" not in probe  # each account is made of the rounds, not of the last account
    assert account.counts["rounds_read"].tolist() == [[0, 1, 2]]


@RANDOM
def test_sampled_texts_do_not_depend_on_how_many_episodes_are_played_side_by_side():
    found = []
    for most in (1, 3):
        agent = LanguageModelAgent(model=Brief(), strategy="s2a", writing="sample", most_episodes=most)
        game = make_game("ibs")
        found.append(play(game, make_partner("grim").automaton(game, 3), agent, horizon=3, episodes=3))
    assert np.array_equal(found[0].actions, found[1].actions)
    assert found[0].action_dists == pytest.approx(found[1].action_dists, abs=1e-4)
    assert found[0].predictions == pytest.approx(found[1].predictions, abs=1e-4)


@RANDOM
def test_sampled_texts_differ_between_seeds_and_greedy_ones_do_not():
    dists = {}
    game = make_game("ibs")
    partner = make_partner({"name": "single", "action": 1}).automaton(game, 1)
    for writing in ("sample", "greedy"):
        for seed in (0, 1):
            agent = LanguageModelAgent(model=Brief(), strategy="cot", writing=writing)
            dists[writing, seed] = play(game, partner, agent, horizon=1, episodes=1, seed=seed).action_dists
    assert not np.allclose(dists["sample", 0], dists["sample", 1])
    assert np.array_equal(dists["greedy", 0], dists["greedy", 1])


def test_a_backend_that_cannot_write_is_told():
    with pytest.raises(ValueError, match="has no rule for texts"):
        played(Recording(None), 1, strategy="cot")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"writing": "beam"}, "`writing` must be one of greedy, sample, got 'beam'"),
        ({"illegal": "resample"}, "`illegal` must be one of renormalise, uniform, forfeit, got 'resample'"),
        ({"overflow": "truncate"}, "`overflow` must be one of fail, window, summary, got 'truncate'"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        LanguageModelAgent(model=Recording(), **settings)
