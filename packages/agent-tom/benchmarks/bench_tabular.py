"""What play without a model costs: rounds of the PettingZoo environment, and a whole study.

CPU time, since the machine is shared; the study runs on as many processes as ``--workers`` says, and its time is on the
clock too.
"""

import argparse
import resource
import tempfile
import time
from pathlib import Path

import numpy as np

from agent_tom import RepeatedGame, make_game
from agent_tom.study import Study, run_study
from gpu_commons import Figure, write_record

RESULTS = Path(__file__).parent / "results"
ROUNDS, REPEATS = 20_000, 9
GAMES = ("rps", "ibs", "ipd", "stag_hunt", "chicken", "coordination")
PARTNERS = (
    *({"name": "single", "action": action} for action in (0, 1)),
    "single",
    "uniform",
    "two_cycle",
    *({"name": "drift", "rate": rate} for rate in (0.02, 0.05, 0.1)),
    *({"name": "tit_for_tat", "generosity": generosity} for generosity in (0.0, 0.05, 0.1, 0.2)),
    "tit_for_two_tats",
    "grim",
    "win_stay_lose_shift",
    *({"name": "level_k", "level": level} for level in (1, 2, 3)),
    "q_learner",
    *({"name": "markov", "seed": seed} for seed in range(4)),
    *({"name": "noisy", "of": inner} for inner in ("single", "tit_for_tat", "grim", "win_stay_lose_shift")),
    *({"name": "switch", "of": "single", "to": "single", "at": at} for at in (25, 50)),
    *({"name": "one_of", "pool": ["single", inner]} for inner in ("tit_for_tat", "grim")),
)
AGENTS = ("uniform", "fictitious_play", "conditional_fictitious_play", "ucb", "q_learning", "rmax")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--scale", type=float, default=1.0, help="of rounds and episodes, for a trial")
    parser.add_argument("--results", type=Path, default=RESULTS)
    run, _ = parser.parse_known_args()
    rates = [rounds_a_second(max(100, round(run.scale * ROUNDS))) for _ in range(REPEATS)]
    study = Study(games=GAMES, partners=PARTNERS, agents=AGENTS, episodes=max(2, round(run.scale * 100)))
    clock, cpu = time_of(study, run.workers)
    figures = [
        Figure(
            id="environment",
            value=float(np.median(rates)),
            interval=(min(rates), max(rates)),
            unit="rounds a CPU second",
            better="higher",
            target=400_000.0,
        ),
        Figure(
            id=f"study of {len(PARTNERS)} partners, {len(AGENTS)} agents, {len(GAMES)} games, {study.episodes} episodes",
            value=clock,
            unit="s on the clock",
            better="lower",
            target=300.0,
        ),
        Figure(id="the same study", value=cpu, unit="CPU s", better="lower"),
    ]
    path = write_record(
        "bench_tabular",
        results_dir=run.results,
        command="python benchmarks/bench_tabular.py",
        config={"workers": run.workers, "rounds": ROUNDS, "repeats": REPEATS, "horizon": study.horizon},
        seeds=[study.seed],
        figures=figures,
        shortened=run.scale < 1,
    )
    for figure in figures:
        print(f"{figure.id}: {figure.value:.4g} {figure.unit}")
    print(path.name)


def rounds_a_second(rounds: int) -> float:
    """Rounds of the environment a second of CPU time, actions given."""
    env = RepeatedGame(make_game("rps"), rounds)
    env.reset()
    moves = [{"focal": number % 3, "partner": number % 2} for number in range(6)] * (rounds // 6 + 1)
    step = env.step
    begin = time.process_time()
    for move in moves[:rounds]:
        step(move)
    return rounds / (time.process_time() - begin)


def time_of(study: Study, workers: int) -> tuple[float, float]:
    """Seconds on the clock, and of CPU with all processes, that a study takes."""
    before, begin = _cpu(), time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        run_study(study, folder, workers=workers)
    return time.perf_counter() - begin, _cpu() - before


def _cpu() -> float:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


if __name__ == "__main__":
    main()
