"""Check the trade-off theory where everything can be computed exactly (claims T1 to T5); no language model is needed.

T1: tabular problems, their bounds, monotone frontier and its slope. T2: linear softmax models under either constraint.
T3: proxy data that differ from the original set a floor of safety. T4: overlap of contexts is what makes safety cost
capability. T5: slope and curvature at the aligned start forecast what a step costs.
"""

import argparse
import itertools
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from scipy.stats import spearmanr
from seed_mean import seed_mean as figure  # the file beside this one

from gpu_commons import Figure, write_record
from safe_finetune.frontier import Axis, Frontier, FrontierPoint
from safe_finetune.theory import (
    LinearProblem,
    LossLandscape,
    TabularProblem,
    bound_loss_constraint,
    bound_parameter_constraint,
    loss_constraint_capability,
    random_linear_problem,
    random_tabular_problem,
)
from safe_finetune.theory.tabular_bounds import proxy_floor

RESULTS = Path(__file__).parent / "results"
TOLERANCE = 1e-9
STRENGTHS = [0.01, 0.1, 1.0, 10.0, 100.0]
SWEEP = np.geomspace(1e-3, 1e3, 61).tolist()
OVERLAPS = [0.0, 0.25, 0.5, 0.75, 1.0]
DISTORTIONS = [0.0, 0.1, 0.3, 0.5]
NUM_RADII = 20
NUM_TASKS = 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--cases", type=int, default=10_000, help="tabular problems times strengths")
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(10)))
    parser.add_argument("--results", type=Path, default=RESULTS)
    run, _ = parser.parse_known_args()
    figures = [
        *tabular_figures(run.cases),
        *linear_figures(run.seeds),
        *proxy_figures(run.seeds),
        *overlap_figures(run.seeds),
        *forecast_figures(run.seeds),
    ]
    for found in figures:
        print(f"{found.id}: {found.value:.6g} {found.interval or ''}", file=sys.stderr)
    path = write_record(
        "validate_theory",
        results_dir=run.results,
        command="python benchmarks/validate_theory.py",
        config={
            "cases": run.cases,
            "strengths": STRENGTHS,
            "sweep": [SWEEP[0], SWEEP[-1], len(SWEEP)],
            "overlaps": OVERLAPS,
            "distortions": DISTORTIONS,
            "radii": NUM_RADII,
            "tasks": NUM_TASKS,
            "tolerance": TOLERANCE,
            "interval": "95 % of the mean over seeds, bootstrap; of medians, the quartiles of the cases",
        },
        seeds=run.seeds,
        figures=figures,
        device="cpu",
        shortened=run.cases < 10_000 or len(run.seeds) < 5,
    )
    print(path.name, file=sys.stderr)


def tabular_problems(number: int) -> Iterator[TabularProblem]:
    """Every mixture of overlap, distortion and uncovered contexts in turn, each time drawn anew."""
    kinds = itertools.cycle(itertools.product(OVERLAPS, DISTORTIONS, [0.0, 0.2]))
    for seed, (overlap, distortion, uncovered) in zip(range(number), kinds, strict=False):
        rng = np.random.default_rng(seed)
        yield random_tabular_problem(rng, overlap=overlap, distortion=distortion, uncovered=uncovered)


def tabular_figures(num_cases: int) -> list[Figure]:
    """T1: no bound is broken, nothing is lost without overlap, and the frontier has the slope it should."""
    started = time.perf_counter()
    broken, lost, slopes, steps, tightness = 0, 0.0, [0.0], [0.0], []
    for problem in tabular_problems(num_cases // len(STRENGTHS)):
        frontier = problem.frontier(STRENGTHS)
        steps += [np.diff(frontier.proxy).max(), -np.diff(frontier.capability).min()]
        for safety, capability, strength in zip(frontier.safety, frontier.capability, STRENGTHS, strict=True):
            bounds = bound_loss_constraint(problem, strength)
            upper = np.array(bounds)
            measured = np.array([safety, safety, capability, capability, capability])
            broken += int((measured > upper + TOLERANCE).any())
            if problem.overlap == 0:
                lost = max(lost, capability)
            else:
                slopes.append(abs(problem.dual_price(strength) / strength - 1))
                tightness.append(measured[:4] / upper[:4])
    seconds = time.perf_counter() - started
    names = ("I-a, safety", "I-c, safety", "I-b, capability", "I-c, capability")
    return [
        figure("T1 cases in which a bound is broken", broken, unit="cases", target=0.0),
        figure("T1 largest capability gap without overlap", lost, unit="nats", target=TOLERANCE),
        figure("T1 largest step of a frontier in the wrong direction", max(steps), unit="nats", target=TOLERANCE),
        figure("T1 largest deviation of the slope from lambda", max(slopes), unit="ratio", target=0.01),
        *(
            tightness_figure(f"T1 gap over bound {name}", of)
            for name, of in zip(names, zip(*tightness, strict=True), strict=True)
        ),
        figure("T1 time of a case", 1e3 * seconds / num_cases, unit="ms"),
    ]


def linear_figures(seeds: Sequence[int]) -> list[Figure]:
    """T2: bound I-b of the penalty, and bounds II-a and II-b at radii up to the one that reaches the most capable
    model.
    """
    penalties, broken, rises, safety, capability = 0, 0, [0.0], [], []
    for seed in seeds:
        problem = random_linear_problem(np.random.default_rng(seed), distortion=0.2)
        for strength in STRENGTHS:
            upper = loss_constraint_capability(strength, proxy_gap=problem.proxy_gap(problem.capable))
            penalties += int(problem.capability_gap(problem.penalised(strength)) > upper + TOLERANCE)
        distance = float(np.linalg.norm(problem.capable - problem.aligned))
        gaps = []
        for radius in (distance * np.arange(1, NUM_RADII + 1) / NUM_RADII).tolist():
            theta, bounds = problem.in_ball(radius), bound_parameter_constraint(problem, radius)
            found = (problem.safety_gap(theta), problem.capability_gap(theta))
            broken += int(found[0] > bounds.safety + TOLERANCE)
            broken += int(found[1] > min(bounds.capability, bounds.capability_first_order) + TOLERANCE)
            safety.append(found[0] / bounds.safety)
            gaps.append(found[1])
            if radius < distance:  # at the end both are 0
                capability.append(found[1] / bounds.capability)
        rises.append(float(np.diff(gaps).max()))
    return [
        figure("T2 strengths at which bound I-b is broken", penalties, unit="strengths", target=0.0),
        figure("T2 radii at which a bound is broken", broken, unit="radii", target=0.0),
        figure("T2 largest rise of the capability gap with the radius", max(rises), unit="nats", target=TOLERANCE),
        tightness_figure("T2 gap over bound II-a, safety", safety),
        tightness_figure("T2 gap over bound II-b, capability", capability),
    ]


def proxy_figures(seeds: Sequence[int]) -> list[Figure]:
    """T3: the safety gap that a strong penalty leaves grows with the distance of the proxy data."""
    floors, shares = [], []
    for seed in seeds:
        problems = [
            random_tabular_problem(np.random.default_rng(seed), overlap=0.5, distortion=distortion)
            for distortion in DISTORTIONS
        ]
        floors.append([problem.gaps(problem.policy(STRENGTHS[-1])).safety for problem in problems])
        # Without distortion the bound's floor is 0, and what is left of the gap falls as 1 / lambda.
        shares += [
            floor / proxy_floor(problem, STRENGTHS[-1])
            for floor, problem in zip(floors[-1][1:], problems[1:], strict=True)
        ]
    table = np.array(floors)
    return [
        *(
            figure(f"T3 safety gap at lambda = 100, distortion {distortion:g}", values, unit="nats")
            for distortion, values in zip(DISTORTIONS, table.T, strict=True)
        ),
        figure(
            "T3 rank correlation of distortion and mean safety gap",
            float(spearmanr(DISTORTIONS, table.mean(0)).statistic),
            unit="",
            better="higher",
            target=1.0,
        ),
        figure("T3 largest safety gap over 2 B TV", max(shares), unit="ratio", target=1.0),
    ]


def overlap_figures(seeds: Sequence[int]) -> list[Figure]:
    """T4: area that the frontier leaves undominated, of the rectangle of overlap 1's dearest gaps."""
    table = np.array([lost_shares(seed) for seed in seeds])
    return [
        *(
            figure(
                f"T4 lost hypervolume, overlap {overlap:g}", values, unit="share", target=1e-6 if overlap == 0 else None
            )
            for overlap, values in zip(OVERLAPS, table.T, strict=True)
        ),
        figure(
            "T4 seeds in which every step of overlap costs hypervolume",
            (np.diff(table) > 0).all(1).astype(float),
            unit="rate",
            better="higher",
            target=1.0,
        ),
    ]


def lost_shares(seed: int) -> list[float]:
    """Lost hypervolume at each overlap, against one reference, with the original safety data as proxy."""
    curves = [tabular_curve(np.random.default_rng(seed), overlap) for overlap in OVERLAPS]
    worst = (max(point.safety for point in curves[-1].points), max(point.capability for point in curves[-1].points))
    return [1 - curve.hypervolume(worst).value / (worst[0] * worst[1]) for curve in curves]


def forecast_figures(seeds: Sequence[int]) -> list[Figure]:
    """T5: forecast and measured growth of a linear model's safety loss, a quarter of the way to a capable model, along
    the task gradients of many tasks.
    """
    correlations, shares = [], []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        problem = random_linear_problem(rng)
        landscape = safety_landscape(problem)
        radius = float(np.linalg.norm(problem.capable - problem.aligned)) / 4
        found = []
        for _ in range(NUM_TASKS):
            direction = torch.from_numpy(-random_linear_problem(rng).task.gradient(problem.aligned).ravel())
            forecast, measured = (way(direction, [radius]) for way in (landscape.forecast, landscape.profile))
            found.append((float(forecast), float(measured)))
        table = np.array(found)
        correlations.append(float(spearmanr(*table.T).statistic))
        shares += (table[:, 1] / table[:, 0]).tolist()
    return [
        figure(
            "T5 rank correlation of forecast and measured damage", correlations, unit="", better="higher", target=0.7
        ),
        tightness_figure("T5 measured damage over forecast", shares),
    ]


def safety_landscape(problem: LinearProblem) -> LossLandscape:
    """Of the safety loss at the aligned start, computed by torch."""
    theta = torch.from_numpy(problem.aligned.copy()).requires_grad_()
    features, targets = torch.from_numpy(problem.safety.features), torch.from_numpy(problem.safety.targets)
    return LossLandscape(lambda: torch.nn.functional.cross_entropy(features @ theta.T, targets), [theta])


def tabular_curve(rng: np.random.Generator, overlap: float) -> Frontier:
    found = random_tabular_problem(rng, overlap=overlap, distortion=0.0).frontier(SWEEP)
    points = tuple(
        FrontierPoint(method="loss constraint", strength=strength, safety=float(safety), capability=float(capability))
        for strength, safety, capability in zip(SWEEP, found.safety, found.capability, strict=True)
    )
    gap = {"better": "lower", "unit": "nats"}
    return Frontier(Axis(name="safety gap", **gap), Axis(name="capability gap", **gap), points)


def tightness_figure(name: str, shares: Sequence[float]) -> Figure:
    """Median of measured gaps over their bound, with quartiles; at most 1, and near 1 if the bound predicts."""
    low, median, high = (float(value) for value in np.quantile(shares, [0.25, 0.5, 0.75]))
    return Figure(id=name, value=median, interval=(low, high), unit="ratio", better="higher")


if __name__ == "__main__":
    main()
