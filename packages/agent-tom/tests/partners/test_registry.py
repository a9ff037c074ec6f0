"""Partners by name, with settings, and within partners."""

import pytest

from agent_tom.agents import Fixed
from agent_tom.games import make_game
from agent_tom.partners import (
    PARTNERS,
    SHORTHANDS,
    AgentPartner,
    AxelrodPartner,
    Crowd,
    Cycle,
    Grim,
    Markov,
    Mixture,
    Noisy,
    OneOf,
    Permuted,
    Single,
    Switch,
    TitForTat,
    make_partner,
)

MUST_BE_TOLD = {"noisy", "permuted", "switch", "one_of", "crowd", "agent", "axelrod"}


@pytest.mark.parametrize("name", sorted(PARTNERS.keys() - MUST_BE_TOLD))
def test_a_partner_has_the_name_by_which_it_is_made(name):
    partner = make_partner(name)
    assert partner.name == name
    assert partner == make_partner({"name": name}) == PARTNERS[name]()


@pytest.mark.parametrize(
    ("spec", "partner"),
    [
        ("uniform", Mixture()),
        ("two_cycle", Cycle(length=2)),
        ("generous_tit_for_tat", TitForTat(generosity=0.1)),
        ("noisy_single", Noisy(of=Single())),
        ("noisy_tit_for_tat", Noisy(of=TitForTat())),
        ("switch_single", Switch(of=Single(), to=Single())),
        ("single_or_tit_for_tat", OneOf(pool=(Single(), TitForTat()))),
        ({"name": "single", "action": 1}, Single(action=1)),
        ({"name": "noisy_single", "epsilon": 0.3}, Noisy(of=Single(), epsilon=0.3)),
        ({"name": "mixture", "weights": [0.25, 0.75]}, Mixture(weights=(0.25, 0.75))),
        ({"name": "markov", "table": [[0.5, 0.5], [1.0, 0.0]]}, Markov(table=((0.5, 0.5), (1.0, 0.0)))),
        ({"name": "permuted", "of": "uniform", "order": [1, 0]}, Permuted(of=Mixture(), order=(1, 0))),
        (
            {"name": "noisy", "of": {"name": "switch", "of": "grim", "to": {"name": "single", "action": 1}, "at": 5}},
            Noisy(of=Switch(of=Grim(), to=Single(action=1), at=5)),
        ),
        (
            {"name": "one_of", "pool": ["grim", {"name": "noisy_single", "epsilon": 0.5}], "weights": [0.5, 0.5]},
            OneOf(pool=(Grim(), Noisy(of=Single(), epsilon=0.5)), weights=(0.5, 0.5)),
        ),
        ({"name": "agent", "of": {"name": "fixed", "action": 1}}, AgentPartner(of=Fixed(action=1))),
        ({"name": "agent", "of": "uniform", "reference_return": 2}, AgentPartner(of=Fixed(), reference_return=2)),
        ({"name": "axelrod", "strategy": "Tit For Tat"}, AxelrodPartner(strategy="Tit For Tat")),
        ({"name": "crowd", "members": ["grim", "two_cycle"]}, Crowd(members=(Grim(), Cycle(length=2)))),
    ],
)
def test_a_spec_makes_its_partner(spec, partner):
    assert make_partner(spec) == partner


@pytest.mark.parametrize("name", SHORTHANDS)
def test_a_spec_is_not_changed(name):
    before = repr(SHORTHANDS[name])
    spec = {"name": name}
    make_partner(spec)
    assert (repr(SHORTHANDS[name]), spec) == (before, {"name": name})


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("tit_for_tats", "no partner is called 'tit_for_tats'; did you mean 'tit_for_tat'"),
        ("noisy_singel", "did you mean 'noisy_single'"),
        ("zzz", "no partner is called 'zzz'; there are single, mixture, cycle"),
        ({}, "no partner is called ''"),
        ({"name": "noisy", "of": "singel"}, "no partner is called 'singel'; did you mean 'single'"),
        ({"name": "one_of", "pool": ["grim", "grimm"]}, "no partner is called 'grimm'; did you mean 'grim'"),
        ({"name": "single", "speed": 3}, "partner 'single' has no setting 'speed'; it has action"),
        ({"name": "noisy_single", "rate": 3}, "partner 'noisy' has no setting 'rate'; it has of, epsilon"),
        ({"name": "win_stay_lose_shift", "nice": 1}, "has no setting 'nice'; it has none"),
        ("noisy", "partner 'noisy' lacks a setting: .*'of'"),
        ({"name": "permuted", "of": "single"}, "partner 'permuted' lacks a setting: .*'order'"),
        ({"name": "switch", "of": "single"}, "partner 'switch' lacks a setting: .*'to'"),
        ("one_of", "partner 'one_of' lacks a setting: .*'pool'"),
        ("agent", "partner 'agent' lacks a setting: .*'of'"),
        ({"name": "agent", "of": "unifrom"}, "no agent is called 'unifrom'; did you mean 'uniform'"),
        ({"name": "axelrod", "reference_return": 1}, "partner 'axelrod' lacks a setting: .*'strategy'"),
        ("crowd", "partner 'crowd' lacks a setting: .*'members'"),
    ],
)
def test_what_makes_no_partner_is_told(spec, message):
    with pytest.raises(ValueError, match=message):
        make_partner(spec)


def test_a_partner_that_is_one_already_is_given_back():
    grim = Grim()
    assert make_partner(grim) is grim
    assert make_partner({"name": "noisy", "of": grim}) == Noisy(of=grim)
    assert make_partner({"name": "one_of", "pool": (grim, "single")}) == OneOf(pool=(grim, Single()))


def test_a_pool_that_is_no_list_is_told():
    with pytest.raises(ValueError, match="`pool` of partner 'one_of' must be a list of partners, got 'grim'"):
        make_partner({"name": "one_of", "pool": "grim"})


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"name": "markov", "order": 0}, "`order` must be at least 1, got 0"),
        ({"name": "q_learner", "levels": 1}, "`levels` must be at least 2, got 1"),
        ({"name": "q_learner", "epsilon": 1.5}, "`epsilon` must be 0 to 1, got 1.5"),
        ({"name": "drift", "rate": -0.1}, "`rate` must be 0 to 1, got -0.1"),
        ({"name": "tit_for_tat", "generosity": 2.0}, "`generosity` must be 0 to 1, got 2.0"),
        ({"name": "level_k", "level": -1}, "`level` must be at least 0, got -1"),
        ({"name": "one_of", "pool": ["single"], "weights": [0]}, "a weight of at least 0 for each, got 1 partners"),
    ],
)
def test_settings_out_of_range_are_told(spec, message):
    with pytest.raises(ValueError, match=message):
        make_partner(spec).automaton(make_game("rps"), 5)
