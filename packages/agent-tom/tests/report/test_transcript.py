"""A prompt that is made anew from the record is the one that was read."""

import pytest

from agent_tom import make_agent, make_game, make_partner, play
from agent_tom.agents import LanguageModelAgent
from agent_tom.backends import ScriptedBackend
from agent_tom.oracle import best_response
from agent_tom.report.transcript import prompt_of
from agent_tom.study.plan import Cell
from agent_tom.study.played import PlayedCell

HORIZON = 4


@pytest.mark.parametrize("strategy", ["lm", "qa", "social_qa", "oracle", "oracle_max_without_history"])
@pytest.mark.parametrize("prediction", ["same_context", "partner_list"])
def test_the_prompt_of_each_round_is_found_again(strategy, prediction):
    asked = []

    def rule(text, probe, options):
        asked.append(text + probe)
        weights = [1 + len(probe) * (place + 1) % 7 for place in range(len(options))]
        return [weight / sum(weights) for weight in weights]

    spec = {"name": "language_model", "model": "none", "strategy": strategy, "prediction": prediction}
    settings = {key: value for key, value in spec.items() if key not in ("name", "model")}
    agent = LanguageModelAgent(model=ScriptedBackend(rule), **settings)
    game = make_game("ipd")
    partner = make_partner("tit_for_tat").automaton(game, HORIZON)
    solution = best_response(game, partner, HORIZON)
    episodes = play(game, partner, agent, horizon=HORIZON, episodes=[5], seed=3, solution=solution)
    cell = Cell(number=0, game="ipd", partner="tit_for_tat", agent=spec, horizon=HORIZON, episodes=1, seed=3)
    played = PlayedCell(cell=cell, episodes=episodes, game=game, partner=partner, solution=solution)
    if strategy == "social_qa" and prediction == "partner_list":
        assert prompt_of(played, 0, 0) is None  # what it foretold in the game is in no record
        return
    each = len(asked) // HORIZON
    for now in range(HORIZON):
        assert prompt_of(played, 0, now) == asked[(now + 1) * each - 1]


@pytest.mark.parametrize("settings", [{"strategy": "cot"}, {"strategy": "reflexion"}, {"chat": True}])
def test_a_prompt_that_no_record_holds_is_not_made_up(settings):
    game = make_game("ipd")
    partner = make_partner("tit_for_tat").automaton(game, 2)
    episodes = play(game, partner, make_agent("rmax"), horizon=2, episodes=1)
    spec = {"name": "language_model", "model": "none", **settings}
    cell = Cell(number=0, game="ipd", partner="tit_for_tat", agent=spec, horizon=2, episodes=1, seed=0)
    solution = best_response(game, partner, 2)
    played = PlayedCell(cell=cell, episodes=episodes, game=game, partner=partner, solution=solution)
    assert prompt_of(played, 0, 1) is None
