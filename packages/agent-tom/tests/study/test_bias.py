"""A preference for a letter, or for a place in the list, is told from play that has neither."""

import pytest

from agent_tom import make_agent, make_game, make_partner, play
from agent_tom.agents import LanguageModelAgent
from agent_tom.backends import ScriptedBackend
from agent_tom.oracle import best_response
from agent_tom.study import bias_rows
from agent_tom.study.plan import Cell
from agent_tom.study.played import PlayedCell


def likes_j(text, probe, options):
    return [0.8 if option.strip() == "J" else 0.2 for option in options]


def likes_the_first(text, probe, options):
    listed = text.partition("You choose ")[2]
    places = {option: listed.index(option.strip()) for option in options}
    return [0.9 if places[option] == min(places.values()) else 0.1 for option in options]


def rows_of(rule, wording="neutral", episodes=8):
    agent = LanguageModelAgent(model=ScriptedBackend(rule), wording=wording)
    game = make_game("ipd")
    partner = make_partner("tit_for_tat").automaton(game, 3)
    found = play(game, partner, agent, horizon=3, episodes=episodes)
    spec = {"name": "language_model", "model": "none", "wording": wording}
    cell = Cell(number=0, game="ipd", partner="tit_for_tat", agent=spec, horizon=3, episodes=episodes, seed=0)
    solution = best_response(game, partner, 3)
    return list(bias_rows([PlayedCell(cell=cell, episodes=found, game=game, partner=partner, solution=solution)]))


def test_a_preferred_letter_shows_by_label_alone():
    by_label, by_place = rows_of(likes_j)
    assert by_label["chosen"] == pytest.approx({"F": 0.2, "J": 0.8})
    assert by_place["chosen"] == pytest.approx({"1": 0.5, "2": 0.5})
    assert by_label["even"] == by_place["even"] == 0.5


def test_a_preferred_place_shows_by_place_alone():
    by_label, by_place = rows_of(likes_the_first)
    assert by_label["chosen"] == pytest.approx({"F": 0.5, "J": 0.5})
    assert by_place["chosen"] == pytest.approx({"1": 0.9, "2": 0.1})


def test_spread_is_between_ways_to_name():
    by_label, by_place = rows_of(likes_j, episodes=40)
    assert by_label["spread"] > 2 * by_place["spread"]


def test_names_that_mean_something_are_not_permuted():
    by_label, by_place = rows_of(lambda text, probe, options: [0.5, 0.5], wording="plain")
    assert by_label["spread"] is None
    assert by_place["spread"] is not None


def test_other_agents_have_no_rows():
    game = make_game("ipd")
    partner = make_partner("single").automaton(game, 2)
    found = play(game, partner, make_agent("rmax"), horizon=2, episodes=2)
    cell = Cell(number=0, game="ipd", partner="single", agent="rmax", horizon=2, episodes=2, seed=0)
    solution = best_response(game, partner, 2)
    played = PlayedCell(cell=cell, episodes=found, game=game, partner=partner, solution=solution)
    assert bias_rows([played]) == []
