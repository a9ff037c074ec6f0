"""All partners that ship keep the rules, and the check finds those that do not."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

from agent_tom import check_partner
from agent_tom.games import make_game
from agent_tom.partners import PARTNERS, SHORTHANDS, Mixture, Partner, Single, make_partner

SETTINGS = {
    "noisy": {"of": "win_stay_lose_shift"},
    "switch": {"of": "tit_for_tat", "to": "grim", "at": 7},
    "one_of": {"pool": ["single", "noisy_tit_for_tat", "q_learner"], "weights": [0.5, 0.25, 0.25]},
}
# Those whose states grow with the horizon, or that need a game of their own; and those without an automaton.
APART = {"fictitious_player", "permuted", "crowd", "agent", "axelrod"}


@pytest.mark.parametrize("name", [*sorted(PARTNERS.keys() - APART), *SHORTHANDS])
def test_partners_that_ship_pass(name):
    check_partner(make_partner({"name": name, **SETTINGS.get(name, {})}))


@pytest.mark.parametrize(
    ("spec", "game", "horizon"),
    [
        ("fictitious_player", "rps", 6),
        ("fictitious_player", "ipd", 20),
        ("fictitious_player", "ibs", 20),
        ({"name": "permuted", "of": "tit_for_tat", "order": [1, 2, 0]}, "rps", 20),
        ({"name": "permuted", "of": "win_stay_lose_shift", "order": [1, 0]}, "ipd", 20),
        ({"name": "markov", "order": 2}, "ipd", 20),
        ({"name": "crowd", "members": ["tit_for_tat", "conditional_cooperator", "drift"]}, "public_goods_4", 20),
        ({"name": "crowd", "members": ["noisy_tit_for_tat", "grim", "win_stay_lose_shift"]}, "public_goods_4", 20),
    ],
)
def test_so_do_those_that_need_a_game_of_their_own(spec, game, horizon):
    check_partner(make_partner(spec), games=[make_game(game)], horizon=horizon)


@dataclass(frozen=True)
class Changing(Partner):
    """Another mixture each time it is asked."""

    name: ClassVar[str] = "changing"

    def automaton(self, game, horizon):
        weights = np.random.default_rng().dirichlet(np.ones(game.num_partner_actions))
        return Mixture(weights=tuple(weights.tolist())).automaton(game, horizon)


@dataclass(frozen=True)
class OfAnotherGame(Partner):
    name: ClassVar[str] = "stubborn"

    def automaton(self, game, horizon):
        return Single().automaton(make_game("rps"), horizon)


@dataclass(frozen=True)
class Hurried(Partner):
    """Plays its second action only if there is time."""

    name: ClassVar[str] = "hurried"

    def automaton(self, game, horizon):
        return Single(action=int(horizon > 30)).automaton(game, horizon)


def test_a_partner_of_another_game_is_refused():
    message = (
        "partner 'stubborn' has an automaton of 3 by 3 actions, but ibs has 2 by 2; make it of the game that is given"
    )
    with pytest.raises(ValueError, match=message):
        check_partner(OfAnotherGame())
    check_partner(OfAnotherGame(), games=[make_game("rps")])


def test_a_partner_that_is_random_at_each_call_is_refused():
    with pytest.raises(
        ValueError, match="partner 'changing' has another automaton when it is asked again in rps; draw"
    ):
        check_partner(Changing())


def test_a_partner_that_minds_the_horizon_is_refused():
    message = (
        "partner 'hurried' plays round 1 of rps otherwise when 40 rounds are to be played than when 20 are; let `horizon` "
        "bound the states alone"
    )
    with pytest.raises(ValueError, match=message):
        check_partner(Hurried(), horizon=20)
    check_partner(Hurried(), horizon=15)
    check_partner(Hurried(), horizon=31)
