"""The instrument against known truths: learners and partners without any model.

RMax is held to the six published regrets of the paper's tabular agent; all other thresholds are ours. Every figure is
of one fixed seed.
"""

import argparse
import hashlib
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from agent_tom import (
    EpisodeBootstrap,
    Episodes,
    best_response,
    make_agent,
    make_game,
    make_partner,
    measure,
    play,
    scale_of,
)
from agent_tom.agents import LanguageModelAgent
from agent_tom.backends import ScriptedBackend
from agent_tom.metrics import advantage_regret, path_regret
from agent_tom.partners import PARTNERS, SHORTHANDS, BlackBoxPartner
from agent_tom.study import Study, run_study
from gpu_commons import Figure, write_record

RESULTS = Path(__file__).parent / "results"
HORIZON, EPISODES = 100, 400
PAPER_GAMES, PAPER_PARTNERS = ("rps", "ibs", "ipd"), ("single", "tit_for_tat")
PUBLISHED = {
    ("rps", "single"): 0.083,
    ("ibs", "single"): 0.211,
    ("ipd", "single"): 0.086,
    ("rps", "tit_for_tat"): 0.224,
    ("ibs", "tit_for_tat"): 0.468,
    ("ipd", "tit_for_tat"): 0.248,
}
GAMES = (*PAPER_GAMES, "matching_pennies", "stag_hunt", "chicken", "coordination", "public_goods_4", "ordinal_0")
WRAPPED = {
    "noisy": {"name": "noisy", "of": "grim"},
    "permuted": {"name": "permuted", "of": "tit_for_tat"},
    "switch": {"name": "switch", "of": "tit_for_tat", "to": "grim"},
    "one_of": {"name": "one_of", "pool": ["single", "tit_for_tat", "grim"]},
    "crowd": {"name": "crowd", "members": ["conditional_cooperator", "single", "uniform"]},
}
SETTLED = slice(80, 100)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="of episodes, for a trial")
    parser.add_argument("--results", type=Path, default=RESULTS)
    run, _ = parser.parse_known_args()
    episodes = max(12, round(run.scale * EPISODES))
    parts = (
        oracle_figures,
        uniform_figures,
        rmax_figures,
        counting_figures,
        dissociation_figures,
        estimator_figures,
        instrument_figures,
    )
    figures = [figure for part in parts for figure in part(episodes)] + [determinism_figure()]
    for figure in figures:
        print(f"{figure.id}: {figure.value:.4g} (target {figure.target})")
    path = write_record(
        "validate_tabular",
        results_dir=run.results,
        command="python benchmarks/validate_tabular.py",
        config={
            "horizon": HORIZON,
            "episodes": episodes,
            "games": GAMES,
            "interval": "95 %, BCa over episodes within what the partner began with",
            "settled": "rounds 81 to 100, against the best play of a game that goes on",
        },
        seeds=[0],
        figures=figures,
        shortened=run.scale < 1,
    )
    print(path.name)


def partner_specs(game: str) -> Iterator[str | dict]:
    """Every partner with an automaton that ships and its usual settings, where the game allows it."""
    known = [name for name, kind in PARTNERS.items() if not issubclass(kind, BlackBoxPartner)]
    for name in (*known, *SHORTHANDS):
        if name == "crowd" and not game.startswith("public_goods"):
            continue
        spec = WRAPPED.get(name, name)
        if name == "permuted":
            spec = {**WRAPPED[name], "order": list(reversed(range(make_game(game).num_partner_actions)))}
        yield spec


def played(game: str, partner: str | dict, agent: str | dict, episodes: int, *, tail: int = 0):
    """Game, automaton, best play of a game that goes on for ``tail`` rounds more, and episodes."""
    matrix = make_game(game)
    automaton = make_partner(partner).automaton(matrix, HORIZON + tail)
    solution = best_response(matrix, automaton, HORIZON + tail)
    # An agent that is told the best play is told that of the episode.
    return matrix, automaton, solution, play(matrix, automaton, make_agent(agent), horizon=HORIZON, episodes=episodes)


def regret_of(game: str, partner: str | dict, agent: str | dict, episodes: int) -> tuple[np.ndarray, Episodes]:
    """Advantage regret a round, by episode."""
    _, _, solution, found = played(game, partner, agent, episodes)
    return advantage_regret(solution, found).mean(-1), found


def interval(values: np.ndarray, episodes: Episodes) -> tuple[float, float]:
    """Of a mean over episodes."""
    return tuple(EpisodeBootstrap(episodes.states[:, 0]).mean(values)[1:])


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
    unit = {"unit": "payoff", "better": "lower"}
    yield Figure(
        id=f"V1: largest regret of the oracle in a round, {pairs} games and partners", value=worst, target=1e-9, **unit
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
    unit = {"unit": "payoff a round"}
    for game in PAPER_GAMES:
        regrets, _ = regret_of(game, "single", "fictitious_play", episodes)
        yield Figure(
            id=f"V5: {game}, single: counting loses", value=float(regrets.mean()), target=0.05, better="lower", **unit
        )
    regrets, found = regret_of("ipd", "tit_for_tat", "fictitious_play", episodes)
    yield Figure(
        id="V5: ipd, tit_for_tat: counting loses", value=float(regrets.mean()), target=2.9, better="higher", **unit
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
        **unit,
    )
    yield Figure(
        id="V6: rps, tit_for_tat: counting all rounds alike loses",
        value=float(order_0.mean()),
        target=1.2,
        better="higher",
        **unit,
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


def instrument_figures(episodes: int) -> Iterator[Figure]:
    """L4: a scripted model that copies its partner's last move when asked, and plays at random, shows as just that."""
    agent = LanguageModelAgent(model=ScriptedBackend(copies_its_partner), most_episodes=None)
    game = make_game("rps")
    partner = make_partner("single").automaton(game, HORIZON)
    found = measure(game, partner, play(game, partner, agent, horizon=HORIZON, episodes=episodes)).intervals()
    name = "L4: rps, single: a model that knows and does not use it"
    payoff = {"unit": "payoff a round"}
    known, lost, believed, gap = (found[one] for one in ("accuracy", "regret", "believed_regret", "gap"))
    yield Figure(id=f"{name}: knows", value=known.value, interval=known[1:], unit="rate", better="higher", target=0.98)
    off = abs(lost.value - 1)
    yield Figure(id=f"{name}: regret, from 1", value=off, better="lower", target=0.05, **payoff)
    yield Figure(
        id=f"{name}: would lose if it did",
        value=believed.value,
        interval=believed[1:],
        better="lower",
        target=0.05,
        **payoff,
    )
    yield Figure(
        id=f"{name}: least gap of the interval",
        value=gap.low,
        baseline=gap.value,
        better="higher",
        target=0.9,
        **payoff,
    )


def copies_its_partner(text: str, probe: str, options: Sequence[str]) -> list[float]:
    """Sure that the partner's last move comes again; no preference for an own one."""
    rounds = text.partition("\n\n")[2]
    if "other player" not in probe or not rounds:
        return [1 / len(options)] * len(options)
    last = rounds.rpartition("the other player chose ")[2].partition(",")[0]
    return [float(option.strip() == last) for option in options]


def determinism_figure() -> Figure:
    """V9: the same bytes in one process, in two, and from a run that was stopped half way."""
    study = Study(
        games=["rps", "ipd"], partners=["single", "noisy_tit_for_tat"], agents=["rmax", "thompson"], episodes=20
    )
    with tempfile.TemporaryDirectory() as folder:
        digests = set()
        for name, workers in (("one", 1), ("two", 2), ("resumed", 1)):
            out = Path(folder, name)
            run_study(study, out, workers=workers, progress=False)
            if name == "resumed":
                for file in sorted((out / "cells").iterdir())[::2]:
                    file.unlink()
                run_study(study, out, workers=2, progress=False)
            files = sorted((out / "cells").iterdir())
            digests.add(hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest())
    return Figure(
        id="V9: different results of three ways to run",
        value=float(len(digests)),
        unit="results",
        better="lower",
        target=1.0,
    )


def accuracy(episodes: Episodes) -> float:
    """Share of moves foretold, ties shared."""
    assert episodes.predictions is not None
    best = episodes.predictions == episodes.predictions.max(-1, keepdims=True)
    came = np.take_along_axis(best / best.sum(-1, keepdims=True), episodes.partner_actions[..., None], -1)
    return float(came.mean())


if __name__ == "__main__":
    main()
