"""A small real model copies a list of moves perfectly, and its cache changes no number."""

import numpy as np
import pytest

from agent_tom import make_game, make_partner, play
from agent_tom.agents import LanguageModelAgent
from agent_tom.backends import TransformersBackend

pytestmark = [pytest.mark.real_model, pytest.mark.slow]


@pytest.fixture(scope="module")
def backend():
    return TransformersBackend.from_pretrained("bundled:smollm2-135m-instruct", device="cpu", dtype="float32")


def test_a_list_of_moves_is_continued(backend):
    game = make_game("rps")
    partner = make_partner("single").automaton(game, 6)
    agent = LanguageModelAgent(model=backend, prediction="partner_list")
    episodes = play(game, partner, agent, horizon=6, episodes=3)
    assert len(set(episodes.partner_actions[:, 0].tolist())) == 3
    sure = np.take_along_axis(episodes.predictions, episodes.partner_actions[..., None], -1)[..., 0]
    assert (sure[:, 4:] > 0.9).all()


def test_a_cache_changes_no_number(backend):
    game = make_game("ipd")
    partner = make_partner("tit_for_tat").automaton(game, 3)
    fresh = TransformersBackend(backend.model, backend.tokenizer, cached=False)
    kept, anew = (
        play(game, partner, LanguageModelAgent(model=one, strategy="social_qa"), horizon=3, episodes=2)
        for one in (backend, fresh)
    )
    assert np.array_equal(kept.actions, anew.actions)
    assert np.log(kept.action_dists) == pytest.approx(np.log(anew.action_dists), abs=1e-4)
    assert np.log(kept.legal_masses) == pytest.approx(np.log(anew.legal_masses), abs=1e-4)
    assert backend.tokens_read < fresh.tokens_read / 2


def test_a_chat_is_understood(backend):
    frame = backend.chat_frame()
    assert "assistant named" not in frame.before  # the template's own system prompt
    backend.begin([frame.before + "Answer briefly. "] * 2)
    probes = [frame.around(f"What is the capital of {country}?\nAnswer:") for country in ("France", "Italy")]
    paris, rome = backend.generate(probes, max_tokens=12)
    assert "Paris" in paris.text
    assert "Rome" in rome.text
