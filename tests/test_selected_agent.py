"""A model fine-tuned on the rows that SEAL kept plays as those rows say, and not as the rows that were dropped."""

import pytest

from agent_tom import make_game, make_partner, play
from agent_tom.agents import LanguageModelAgent

pytestmark = pytest.mark.real_model


def test_seal_tells_rows_that_agree_with_the_trusted_ones_from_those_that_do_not(tuned_model):
    scores = dict(zip(tuned_model.scores.row_ids, tuned_model.scores.logits, strict=True))
    worst_good = min(score for row, score in scores.items() if row in tuned_model.good)
    assert worst_good > max(score for row, score in scores.items() if row not in tuned_model.good)


def test_the_agent_cooperates_as_the_kept_rows_taught_it(tuned_model):
    game = make_game("ipd")
    partner = make_partner("tit_for_tat").automaton(game, 3)
    cooperates, legal = {}, {}
    for name, folder in (("aligned", tuned_model.aligned), ("tuned", tuned_model.tuned)):
        agent = LanguageModelAgent(
            model=str(folder), wording="plain", chat=True, dtype="float32", device="cpu", strategy="qa"
        )
        episodes = play(game, partner, agent, horizon=3, episodes=4)
        cooperates[name] = episodes.action_dists[..., game.actions.index("cooperate")].mean()
        legal[name] = episodes.legal_masses.mean()
    assert cooperates["tuned"] > 0.8
    assert cooperates["tuned"] > cooperates["aligned"] + 0.2
    assert legal["tuned"] >= legal["aligned"]
