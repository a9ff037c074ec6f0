"""What a language model reads and is asked, and that its answers become the right actions."""

import numpy as np
import pytest

from agent_tom import make_game, make_partner, measure, play
from agent_tom.agents.language_model import LanguageModelAgent
from agent_tom.backends import ScriptedBackend, TransformersBackend
from gpu_commons.testing import tiny_model, tiny_tokenizer

RANDOM = pytest.mark.filterwarnings("ignore:only .* of the probability:UserWarning")  # random models understand nothing


class Recording(ScriptedBackend):
    """Keeps what it was asked."""

    def __init__(self, rule=lambda text, probe, options: [1 / len(options)] * len(options)):
        super().__init__(rule)
        self.asked = []

    def score(self, probes, options):
        self.asked.append((self.texts[0], probes[0], options[0]))
        return super().score(probes, options)


def copies_the_partner(text, probe, options):
    """Sure that the partner's last move comes again, and without any preference for its own."""
    if "other player" not in probe or "chose" not in text.partition("\n\n")[2]:
        return [1 / len(options)] * len(options)
    last = text.rstrip().rpartition("the other player chose ")[2].partition(",")[0]
    return [float(option.strip() == last) for option in options]


def test_the_papers_signature_is_seen_where_it_is():
    # A model that knows its partner and ignores what it knows: literal above .98, regret that of random play.
    game = make_game("rps")
    partner = make_partner("single").automaton(game, 100)
    episodes = play(game, partner, LanguageModelAgent(model=ScriptedBackend(copies_the_partner)), episodes=60)
    found = measure(game, partner, episodes).intervals(resamples=500)
    assert found["accuracy"].value > 0.98
    assert found["regret"].value == pytest.approx(1, abs=0.05)
    assert found["believed_regret"].value < 0.05
    assert found["gap"].low > 0.9
    assert found["legal_mass"] == pytest.approx((1, 1, 1))


def test_the_first_rounds_read_as_they_should():
    game = make_game("ipd")
    partner = make_partner({"name": "single", "action": 1}).automaton(game, 2)
    backend = Recording()
    agent = LanguageModelAgent(model=backend, wording="plain", choice="greedy")
    agent.numbers = [0]
    episodes = play(game, partner, agent, horizon=2, episodes=[0])
    own = game.actions[episodes.actions[0, 0]]
    (rules, predicted, others), (_, acted, options), (later, _, _), _ = backend.asked
    assert rules == (
        "You play a game with another player for 2 rounds. In each round both of you choose at the same time. You choose "
        "cooperate or defect, and the other player chooses cooperate or defect.\n"
        "If you choose cooperate and the other player chooses cooperate, you get 8 and the other player gets 8 points.\n"
        "If you choose cooperate and the other player chooses defect, you get 0 and the other player gets 10 points.\n"
        "If you choose defect and the other player chooses cooperate, you get 10 and the other player gets 0 points.\n"
        "If you choose defect and the other player chooses defect, you get 5 and the other player gets 5 points.\n\n"
    )
    assert predicted == "Question: which option will the other player choose in round 1?\nAnswer:"
    assert acted == "Question: which option do you choose in round 1?\nAnswer:"
    assert others == options == [" cooperate\n", " defect\n"]
    points = {"cooperate": 0, "defect": 5}[own]
    assert later == f"{rules}Round 1: you chose {own}, the other player chose defect, and you got {points} points.\n"


def test_labels_become_the_actions_they_stand_for():
    # Prefers the label of the second action, whatever it is called in an episode.
    def second(text, probe, options):
        return [0.0, 1.0, 0.0]

    game = make_game("rps")
    partner = make_partner("uniform").automaton(game, 5)
    episodes = play(game, partner, LanguageModelAgent(model=ScriptedBackend(second)), horizon=5, episodes=36)
    assert (episodes.actions == 1).all()
    assert (episodes.predictions == [0, 1, 0]).all()

    def letter(text, probe, options):
        return [float(option.strip() == "F") for option in options]

    episodes = play(game, partner, LanguageModelAgent(model=ScriptedBackend(letter)), horizon=1, episodes=36)
    assert np.bincount(episodes.actions[:, 0]).tolist() == [12, 12, 12]  # a preference for a letter is no action's


def test_a_social_strategy_reads_its_own_prediction():
    backend = Recording(lambda text, probe, options: [0.2, 0.8])
    game = make_game("ibs")
    partner = make_partner("uniform").automaton(game, 1)
    play(game, partner, LanguageModelAgent(model=backend, strategy="social_qa", wording="plain"), horizon=1, episodes=1)
    assert backend.asked[1][1] == (
        "Question: which option will the other player choose in round 1?\nAnswer: second\n"
        "Question: which option do you choose in round 1?\nAnswer:"
    )


def test_an_oracle_strategy_tells_the_next_move():
    backend = Recording()
    game = make_game("rps")
    partner = make_partner({"name": "cycle"}).automaton(game, 4)
    agent = LanguageModelAgent(model=backend, strategy="oracle_max_without_history", wording="plain")
    episodes = play(game, partner, agent, horizon=4, episodes=1)
    acts = [asked for asked in backend.asked if "do you choose" in asked[1]]
    for played, (text, probe, _) in enumerate(acts):
        move = game.actions[episodes.partner_actions[0, played]]
        assert probe.startswith(f"In round {played + 1} the other player will choose {move}. Choose what gets you")
        assert "Round 1:" not in text


def test_payoffs_can_be_left_out():
    backend = Recording()
    game = make_game("rps")
    partner = make_partner("uniform").automaton(game, 1)
    agent = LanguageModelAgent(model=backend, strategy="oracle_max_without_payoffs")
    play(game, partner, agent, horizon=1, episodes=1)
    assert "you get" not in backend.asked[0][0]


def test_a_prediction_may_have_a_context_of_its_own():
    backend = Recording()
    agent = LanguageModelAgent(model=backend, wording="plain", prediction="partner_list")
    game = make_game("rps")
    partner = make_partner({"name": "single", "action": 2}).automaton(game, 3)
    play(game, partner, agent, horizon=3, episodes=1)
    lists = [asked for asked in backend.asked if asked[1] == "Choice:"]
    acts = [asked for asked in backend.asked if asked[1] != "Choice:"]
    begin = "The choices of the other player, round by round:\n"
    assert [text for text, _, _ in lists] == [begin + played * "Choice: scissors\n" for played in range(3)]
    assert lists[0][1:] == ("Choice:", [" rock\n", " paper\n", " scissors\n"])
    assert all("do you choose" in probe and "Choice" not in text for text, probe, _ in acts)


@RANDOM
def test_asking_for_predictions_does_not_change_play():
    game = make_game("rps")
    partner = make_partner("tit_for_tat").automaton(game, 4)

    class Silent(LanguageModelAgent):
        def predict(self):
            return None

    found = []
    for kind in (LanguageModelAgent, Silent):
        backend = TransformersBackend(tiny_model(max_position_embeddings=4096), tiny_tokenizer())
        found.append(play(game, partner, kind(model=backend), horizon=4, episodes=3))
    assert np.array_equal(found[0].action_dists, found[1].action_dists)
    assert np.array_equal(found[0].actions, found[1].actions)


@RANDOM
def test_episodes_do_not_depend_on_how_many_are_played_side_by_side():
    game = make_game("rps")
    partner = make_partner("tit_for_tat").automaton(game, 4)
    found = []
    for most in (2, 5):
        backend = TransformersBackend(tiny_model(max_position_embeddings=4096), tiny_tokenizer())
        agent = LanguageModelAgent(model=backend, most_episodes=most)
        found.append(play(game, partner, agent, horizon=4, episodes=5))
    assert np.array_equal(found[0].actions, found[1].actions)
    assert found[0].predictions == pytest.approx(found[1].predictions, abs=1e-4)
    assert found[0].legal_masses == pytest.approx(found[1].legal_masses, abs=1e-4)


@RANDOM
def test_a_cache_changes_no_trajectory():
    game = make_game("ibs")
    partner = make_partner("tit_for_tat").automaton(game, 5)
    found = []
    for cached in (True, False):
        backend = TransformersBackend(tiny_model(max_position_embeddings=4096), tiny_tokenizer(), cached=cached)
        found.append(play(game, partner, LanguageModelAgent(model=backend, strategy="lm"), horizon=5, episodes=4))
    assert np.array_equal(found[0].actions, found[1].actions)
    assert found[0].action_dists == pytest.approx(found[1].action_dists, abs=1e-4)
    assert found[0].legal_masses == pytest.approx(found[1].legal_masses, abs=1e-4)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"prediction": "list"}, "`prediction` must be one of same_context, partner_list, got 'list'"),
        ({"choice": "best"}, "`choice` must be one of sample, greedy, got 'best'"),
        ({"strategy": "orakle"}, "no strategy is called 'orakle'; did you mean 'oracle'"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        LanguageModelAgent(model=Recording(), **settings)


def test_a_game_longer_than_the_model_can_read_is_refused_before_it_begins():
    game = make_game("rps")
    partner = make_partner("single").automaton(game, 100)
    agent = LanguageModelAgent(model=TransformersBackend(tiny_model(), tiny_tokenizer()))
    with pytest.raises(ValueError, match=r"100 rounds of rps take about \d+ tokens, but the model reads at most 512"):
        play(game, partner, agent, horizon=100, episodes=1)


def test_a_prompt_that_is_hardly_understood_is_told():
    game = make_game("ibs")
    partner = make_partner("single").automaton(game, 1)
    agent = LanguageModelAgent(model=ScriptedBackend(lambda text, probe, options: [1e-5, 2e-5]))
    with pytest.warns(UserWarning, match="only 3e-05 of the probability falls on the options of ibs"):
        episodes = play(game, partner, agent, horizon=1, episodes=1)
    assert episodes.action_dists.ravel() == pytest.approx([1 / 3, 2 / 3])


def test_an_answer_that_no_option_has_is_shared_evenly():
    game = make_game("ibs")
    partner = make_partner("single").automaton(game, 1)
    agent = LanguageModelAgent(model=ScriptedBackend(lambda text, probe, options: [0.0, 0.0]))
    with pytest.warns(UserWarning, match="only 0 of the probability"):
        episodes = play(game, partner, agent, horizon=1, episodes=1)
    assert episodes.action_dists.ravel().tolist() == [0.5, 0.5]
