"""A small real language model: does it know its partner, and does it act on it?

The prompts are those of the package, frozen before any of these runs. L1 to L3 are of rock-paper-scissors against
a partner that plays one action; L5 is a control: being told the partner's move must not cost anything. The other two
games of the paper are beside it without a claim. Results say what they say; the model has 135 million weights.

A study of nine cells, hours on two cores and minutes on an accelerator; it goes on where it stopped with ``--work``.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from agent_tom import EpisodeBootstrap
from agent_tom.metrics import literal_metrics
from agent_tom.prompts import version
from agent_tom.study import PlayedCell, Study, played_cells, run_study
from gpu_commons import Figure, write_record

RESULTS = Path(__file__).parent / "results"
MODEL = "bundled:smollm2-135m-instruct"
ASKED = {
    "a list": {"prediction": "partner_list"},
    "the game": {"prediction": "same_context"},
    "the truth told": {"strategy": "oracle"},
}
"""Where the partner's move is asked for, or what is told; the agents of the study."""
FROM = 4
"""Round (0-based) from which on L2 counts."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--model", default=MODEL)
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--episodes", type=int, default=30)
    parser.add_argument("--side-by-side", type=int, default=8, help="episodes in one cache; more pay on an accelerator")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--work", type=Path, default=RESULTS / "scratch" / "language_model", help="the study")
    parser.add_argument("--results", type=Path, default=RESULTS)
    run, _ = parser.parse_known_args()
    torch.set_num_threads(1)
    model = {"name": "language_model", "model": run.model, "dtype": run.dtype, "most_episodes": run.side_by_side}
    study = Study(
        games=["rps", "ibs", "ipd"],
        partners=["single"],
        agents=[{**model, **asked} for asked in ASKED.values()],
        horizon=run.rounds,
        episodes=run.episodes,
    )
    folder = run.work / f"{run.rounds}_rounds_{run.episodes}_episodes"
    run_study(study, folder, workers=run.workers)
    cells = dict(zip([(game, name) for game in study.games for name in ASKED], played_cells(folder), strict=True))
    figures = list(figures_of(cells))
    for figure in figures:
        print(f"{figure.id}: {figure.value:.4g} {figure.unit} {figure.interval or ''} (target {figure.target})")
    path = write_record(
        "validate_language_model",
        results_dir=run.results,
        command=f"python benchmarks/validate_language_model.py --side-by-side {run.side_by_side}",
        config={
            "model": run.model,
            "dtype": run.dtype,
            "side by side": run.side_by_side,
            "prompts": version(),
            "rounds": run.rounds,
            "episodes": run.episodes,
            "strategy": "qa, and oracle where the truth is told",
            "wording": "neutral",
            "interval": "95 %, BCa over episodes within what the partner began with",
        },
        seeds=[0],
        figures=figures,
        shortened=run.rounds < 100 or run.episodes < 30,
    )
    print(path.name)


def figures_of(cells: dict[tuple[str, str], PlayedCell]) -> Iterator[Figure]:
    """All cells, and the claims on those of rock-paper-scissors."""
    for (game, asked), played in cells.items():
        found = played.measures.intervals()
        random = played.measures.uniform_regret
        name = f"{game}, asked after {asked}" if asked != "the truth told" else f"{game}, the truth told"
        yield Figure(
            id=f"{name}: loses",
            value=found["regret"].value,
            interval=found["regret"][1:],
            baseline=random,
            unit="payoff a round",
            better="lower",
        )
        yield Figure(
            id=f"{name}: knows",
            value=found["accuracy"].value,
            interval=found["accuracy"][1:],
            unit="rate",
            better="higher",
        )
        yield Figure(
            id=f"{name}: gap",
            value=found["gap"].value,
            interval=found["gap"][1:],
            unit="payoff a round",
            better="lower",
        )
        yield Figure(
            id=f"{name}: probability on legal moves", value=found["legal_mass"].value, unit="rate", better="higher"
        )
    yield from claims(cells)


def claims(cells: dict[tuple[str, str], PlayedCell]) -> Iterator[Figure]:
    """L1, L2, L3 and L5."""
    listed, told = cells["rps", "a list"], cells["rps", "the truth told"]
    found = listed.measures.intervals()
    assert listed.measures.uniform_regret is not None
    yield Figure(
        id="L1: upper end of the regret's interval, as a share of random play's",
        value=found["regret"].high / listed.measures.uniform_regret,
        unit="ratio",
        better="higher",
        target=0.8,
    )
    literal = literal_metrics(listed.partner, listed.episodes)["accuracy"][:, FROM:].mean(-1)
    known = EpisodeBootstrap(listed.measures.strata).mean(literal)
    yield Figure(
        id=f"L2: knows from round {FROM + 1} on, asked after a list",
        value=known.value,
        interval=known[1:],
        unit="rate",
        better="higher",
        target=0.9,
    )
    yield Figure(
        id="L3: lower end of the gap's interval",
        value=found["gap"].low,
        baseline=found["gap"].value,
        unit="payoff a round",
        better="higher",
        target=0.0,
    )
    extra = told.measures.values["regret"] - cells["rps", "the game"].measures.values["regret"]
    cost = EpisodeBootstrap(listed.measures.strata).mean(np.asarray(extra))
    yield Figure(
        id="L5: lost more when the truth is told",
        value=cost.value,
        interval=cost[1:],
        unit="payoff a round",
        better="lower",
        target=0.0,
    )


if __name__ == "__main__":
    main()
