"""A language model reads a state and is asked for a move; its answers are shared out over the legal ones."""

import pytest

from agent_tom.adapters import LanguageModelPolicy, best_response_value, play_sequential, reference_value, uniform
from agent_tom.backends import ScriptedBackend, TransformersBackend
from gpu_commons.testing import tiny_model, tiny_tokenizer


class Recording(ScriptedBackend):
    """Keeps what it was asked."""

    def __init__(self, rule):
        super().__init__(rule)
        self.asked = []

    def score(self, probes, options):
        self.asked.append((self.texts[0], probes[0], options[0]))
        return super().score(probes, options)


def test_it_reads_the_state_and_scores_whole_names(guess):
    guess.describe = lambda state, player: f"player {player} moves"
    guess.action_name = lambda state, player, action: ("left", "middle", "right")[action]
    backend = Recording(lambda text, probe, options: [0.1, 0.1, 0.6])
    policy = LanguageModelPolicy(backend)
    assert policy(guess, (2,), 0) == pytest.approx([1 / 8, 1 / 8, 3 / 4])
    ((text, probe, options),) = backend.asked
    assert text == "player 0 moves"
    assert probe == "\nYour moves: left, middle, right.\nQuestion: which move do you make?\nAnswer:"
    assert options == [" left\n", " middle\n", " right\n"]
    assert list(policy.legal_masses.values()) == pytest.approx([0.8])


def test_the_question_is_the_users_and_a_text_is_asked_once(guess):
    backend = Recording(lambda text, probe, options: [0.5, 0.25, 0.25])
    policy = LanguageModelPolicy(backend, question=" Which of {moves}?", end=".")
    play_sequential(guess, policy, uniform, episodes=20)
    assert backend.asked == [("hidden", " Which of 0, 1, 2?", [" 0.", " 1.", " 2."])]


def test_it_is_measured_as_any_policy_is(guess):
    policy = LanguageModelPolicy(ScriptedBackend(lambda text, probe, options: [0.25, 0.25, 0.5]))
    worth = reference_value(guess, policy, uniform).value
    assert worth == pytest.approx((0.25 + 0.25 + 0.5 * 4) / 3)
    # And as a partner, which hides at 2 half of the time: 4 / 2.
    assert best_response_value(guess, policy).value == pytest.approx(2)


def test_a_model_that_does_not_answer_plays_evenly_and_is_told_of(guess):
    policy = LanguageModelPolicy(ScriptedBackend(lambda text, probe, options: [0.0, 0.0, 0.0]))
    with pytest.warns(UserWarning, match="only 0 of the probability falls on legal actions of guess"):
        assert policy(guess, (0,), 0) == pytest.approx([1 / 3] * 3)


def test_actions_of_one_name_are_refused(guess):
    guess.action_name = lambda state, player, action: "same"
    policy = LanguageModelPolicy(ScriptedBackend(lambda text, probe, options: [1 / 3] * 3))
    with pytest.raises(
        ValueError, match="legal actions of guess must have different names, got .*; give `action_name`"
    ):
        policy(guess, (0,), 0)


def test_a_state_that_is_too_long_to_read_is_refused(guess):
    class Short(ScriptedBackend):
        longest = 50

    guess.describe = lambda state, player: "so much to tell" * len(state)
    policy = LanguageModelPolicy(Short(lambda text, probe, options: [1 / 3] * 3), question=" Of {moves}?")
    policy(guess, (0,), 0)
    with pytest.raises(
        ValueError, match="a state of guess takes about 6[0-9] tokens to tell, but the model reads at most"
    ):
        policy(guess, (0, 0, 0), 0)


@pytest.mark.filterwarnings("ignore:only .* of the probability:UserWarning")  # random models understand nothing
def test_a_real_model_gives_a_distribution(guess):
    policy = LanguageModelPolicy(TransformersBackend(tiny_model(), tiny_tokenizer()))
    dist = policy(guess, (1,), 0)
    assert dist.sum() == pytest.approx(1)
    assert dist.min() > 0
