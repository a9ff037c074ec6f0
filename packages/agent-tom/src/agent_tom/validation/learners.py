"""V1 to V8: what oracle, random play and learners lose."""

from collections.abc import Iterator

import numpy as np

from agent_tom.games.registry import make_game
from agent_tom.metrics.functional import advantage_regret, path_regret
from agent_tom.oracle.best_response import scale_of
from agent_tom.partners.registry import make_partner
from agent_tom.validation.cells import (
    GAMES,
    HORIZON,
    PAPER_GAMES,
    PAPER_PARTNERS,
    accuracy,
    interval,
    partner_specs,
    played,
    regret_of,
)
from gpu_commons import Figure

PUBLISHED = {
    ("rps", "single"): 0.083,
    ("ibs", "single"): 0.211,
    ("ipd", "single"): 0.086,
    ("rps", "tit_for_tat"): 0.224,
    ("ibs", "tit_for_tat"): 0.468,
    ("ipd", "tit_for_tat"): 0.248,
}
SETTLED = slice(80, 100)


def oracle_figures(episodes: int) -> Iterator[Figure]:
    """V1: the best play loses nothing against any partner, in any game."""
    worst, far, pairs = 0.0, 0.0, 0
    for game in GAMES:
        for spec in partner_specs(game):
            _, _, solution, found = played(game, spec, "oracle", min(episodes, 60))
            worst = max(worst, float(np.abs(advantage_regret(solution, found)).max()))
            path = path_regret(solution, found)
            error = path.std() / np.sqrt(len(path))
            far = max(far, abs(path.mean()) / error if error > 1e-12 else float(abs(path.mean()) > 1e-9))
            pairs += 1
    yield Figure(
        id=f"V1: largest regret of the oracle in a round, {pairs} games and partners",
        value=worst,
        target=1e-9,
        unit="payoff",
        better="lower",
    )
    yield Figure(
        id="V1: its path regret, farthest mean from 0", value=far, unit="standard errors", better="lower", target=4.0
    )


def uniform_figures(episodes: int) -> Iterator[Figure]:
    """V2: random play costs what the closed form says."""
    for game in PAPER_GAMES:
        for partner in PAPER_PARTNERS:
            regrets, found = regret_of(game, partner, "uniform", episodes)
            matrix = make_game(game)
            exact = scale_of(matrix, make_partner(partner).automaton(matrix, HORIZON), HORIZON).uniform_regret
            error = regrets.std() / np.sqrt(len(regrets))
            yield Figure(
                id=f"V2: {game}, {partner}: regret of random play, from its exact value",
                value=float(abs(regrets.mean() - exact) / error),
                unit="standard errors",
                better="lower",
                target=3.0,
            )
            yield Figure(
                id=f"{game}, {partner}: regret of random play",
                value=float(regrets.mean()),
                interval=interval(regrets, found),
                baseline=exact,
                unit="payoff a round",
                better="lower",
            )


def rmax_figures(episodes: int) -> Iterator[Figure]:
    """V3 and V4: RMax meets the published regrets, and stops losing."""
    for (game, partner), published in PUBLISHED.items():
        regrets, found = regret_of(game, partner, "rmax", episodes)
        yield Figure(
            id=f"{game}, {partner}: regret of RMax",
            value=float(regrets.mean()),
            interval=interval(regrets, found),
            baseline=published,
            unit="payoff a round",
            better="lower",
        )
        off = float(abs(regrets.mean() - published))
        yield Figure(
            id=f"V3: {game}, {partner}: from the published regret",
            value=off,
            unit="payoff a round",
            better="lower",
            target=0.02,
        )
        _, _, going_on, found = played(game, partner, "rmax", episodes, tail=HORIZON)
        late = advantage_regret(going_on, found)[:, SETTLED].mean()
        yield Figure(
            id=f"V4: {game}, {partner}: regret of RMax in rounds 81 to 100",
            value=float(late),
            unit="payoff a round",
            better="lower",
            target=0.01,
        )


def counting_figures(episodes: int) -> Iterator[Figure]:
    """V5 and V6: counting is enough against one action, and what is counted matters against tit-for-tat."""
    for game in PAPER_GAMES:
        regrets, _ = regret_of(game, "single", "fictitious_play", episodes)
        yield Figure(
            id=f"V5: {game}, single: counting loses",
            value=float(regrets.mean()),
            target=0.05,
            better="lower",
            unit="payoff a round",
        )
    regrets, found = regret_of("ipd", "tit_for_tat", "fictitious_play", episodes)
    yield Figure(
        id="V5: ipd, tit_for_tat: counting loses",
        value=float(regrets.mean()),
        target=2.9,
        better="higher",
        unit="payoff a round",
    )
    yield Figure(
        id="V5: ipd, tit_for_tat: counting knows", value=accuracy(found), unit="rate", better="higher", target=0.98
    )
    order_1, _ = regret_of("rps", "tit_for_tat", "conditional_fictitious_play", episodes)
    order_0, _ = regret_of("rps", "tit_for_tat", "fictitious_play", episodes)
    yield Figure(
        id="V6: rps, tit_for_tat: counting by last move loses",
        value=float(order_1.mean()),
        target=0.1,
        better="lower",
        unit="payoff a round",
    )
    yield Figure(
        id="V6: rps, tit_for_tat: counting all rounds alike loses",
        value=float(order_0.mean()),
        target=1.2,
        better="higher",
        unit="payoff a round",
    )


def dissociation_figures(episodes: int) -> Iterator[Figure]:
    """V7: the other way round, an agent that knows little and loses nothing."""
    regrets, found = regret_of("ipd", "two_cycle", "fictitious_play", episodes)
    yield Figure(
        id="V7: ipd, two_cycle: counting knows", value=accuracy(found), unit="rate", better="lower", target=0.4
    )
    yield Figure(
        id="V7: ipd, two_cycle: counting loses",
        value=float(regrets.mean()),
        unit="payoff a round",
        better="lower",
        target=0.0,
    )


def estimator_figures(episodes: int) -> Iterator[Figure]:
    """V8: two estimators of the same loss, one of them far less noisy."""
    _, _, solution, found = played("rps", "noisy_single", "ucb", 5 * episodes)
    advantage, path = advantage_regret(solution, found).mean(-1), path_regret(solution, found)
    difference = path - advantage
    error = difference.std() / np.sqrt(len(difference))
    yield Figure(
        id="V8: path less advantage regret, UCB against a noisy partner",
        value=float(abs(difference.mean()) / error),
        unit="standard errors",
        better="lower",
        target=3.0,
    )
    yield Figure(
        id="V8: variance of path over advantage regret",
        value=float(path.var() / advantage.var()),
        unit="ratio",
        better="higher",
        target=5.0,
    )
