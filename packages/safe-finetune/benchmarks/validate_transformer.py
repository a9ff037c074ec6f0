"""The trade-off theory's drivers and both strategies on a small transformer trained from scratch.

Overlap: the area that a penalty's frontier loses as safety and task contexts overlap. Sharpness: of two models aligned
to the same safety loss, the one with the larger curvature loses more within the same radius, and curvature along task
gradients ranks damage. Constraints: a budget is kept on held-out rows, a radius at every step.

Strengths, rates and numbers of steps were chosen on seeds 100 to 103. Each part of a seed leaves a file in ``--work``,
and is not run again.
"""

import argparse
import copy
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import basin_sharpness
import budget_and_radius
import numpy as np
import overlap_frontiers
import torch
from seal_toy import ALIGNING_RATE, alignment_rows, copying_model, tune  # the file beside this one
from seed_mean import seed_mean
from transformers.utils import logging as transformers_logging

from gpu_commons import Figure, write_record
from gpu_commons.write_aside import write_text_aside

RESULTS = Path(__file__).parent / "results"
SEEDS, PRETRAINING, ALIGNING = (0, 1, 2, 3, 4), 600, 200
PARTS = ("overlap", "sharpness", "constraints")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS))
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--work", type=Path, default=RESULTS / "scratch" / "transformer", help="finished parts")
    parser.add_argument("--results", type=Path, default=RESULTS)
    run, _ = parser.parse_known_args()
    torch.set_num_threads(1)
    transformers_logging.set_verbosity_error()
    run.work.mkdir(parents=True, exist_ok=True)
    found: dict[str, list[dict[str, Any]]] = {part: [] for part in run.parts}
    for seed in run.seeds:
        models: list[Any] = []  # trained at most once a seed
        for part in run.parts:
            file = run.work / f"{part}_{seed}.json"
            if not file.exists():
                with tempfile.TemporaryDirectory() as folder:
                    models = models or start_models(seed, Path(folder))
                    write_text_aside(json.dumps(carry_out(part, seed, models, Path(folder), run.work)), file)
                print(part, seed, file.read_text(encoding="utf-8")[:600], file=sys.stderr)
            found[part].append(json.loads(file.read_text(encoding="utf-8")))
    path = write_record(
        "validate_transformer",
        results_dir=run.results,
        command="python benchmarks/validate_transformer.py",
        config=settings_of_all(),
        seeds=run.seeds,
        figures=[figure for part, results in found.items() for figure in FIGURES[part](results)],
        device="cpu",
        shortened=len(run.seeds) < len(SEEDS) or set(run.parts) != set(PARTS),
        extra={"by_seed": found},
    )
    print(path.name, file=sys.stderr)


def start_models(seed: int, folder: Path) -> list[Any]:
    """One that copies on all topics, and that one taught to decline on some."""
    copying = copying_model(seed, folder, PRETRAINING)
    aligned = copy.deepcopy(copying)
    tune(aligned, alignment_rows(seed), folder, max_steps=ALIGNING, learning_rate=ALIGNING_RATE, seed=seed)
    return [copying, aligned.eval()]


def carry_out(part: str, seed: int, models: Sequence[Any], folder: Path, work: Path) -> dict[str, Any]:
    """One part of one seed."""
    copying, aligned = models
    if part == "overlap":
        return overlap_frontiers.lost_shares(lambda: copy.deepcopy(aligned), seed, work)
    if part == "sharpness":
        return basin_sharpness.compared(copying, seed, folder)
    return budget_and_radius.constrained(aligned, seed, folder)


def settings_of_all() -> dict[str, Any]:
    """For the record."""
    return {
        "pretraining_steps": PRETRAINING,
        "aligning_steps": ALIGNING,
        "overlaps": overlap_frontiers.OVERLAPS,
        "strengths": overlap_frontiers.STRENGTHS,
        "training, overlap": overlap_frontiers.TRAINING,
        "aligned to safety loss": basin_sharpness.SAFETY_LOSS,
        "ascent": basin_sharpness.ASCENT,
        "length of steps along directions": basin_sharpness.STEP_LENGTH,
        "training, sharpness": basin_sharpness.TUNING,
        "training, constraints": budget_and_radius.TRAINING,
        "budget": budget_and_radius.BUDGET,
        "radius": budget_and_radius.BALL,
        "interval": "95 % of the mean over seeds, bootstrap",
    }


def overlap_figures(results: Sequence[dict[str, Any]]) -> list[Figure]:
    """Lost shares by overlap, and their order."""
    lost = np.array([one["lost"] for one in results])
    return [
        *(
            seed_mean(f"overlap {overlap:g}: lost area", values, unit="share")
            for overlap, values in zip(overlap_frontiers.OVERLAPS, lost.T, strict=True)
        ),
        seed_mean("lost area at overlap 0, of that at overlap 1", lost[:, 0] / lost[:, -1], unit="share", target=0.05),
        seed_mean(
            "seeds in which every step of overlap costs area",
            (np.diff(lost) > 0).all(1),
            unit="rate",
            better="higher",
            target=1.0,
        ),
    ]


def sharpness_figures(results: Sequence[dict[str, Any]]) -> list[Figure]:
    """The sharper model of each seed beside the flatter one, whichever way they were trained."""
    pairs = [sorted(one.values(), key=lambda model: -model["top_eigenvalue"]) for one in results]

    def ratio(what: str) -> list[float]:
        return [sharper[what] / flatter[what] for sharper, flatter in pairs]

    lose_more = [float(sharper["damage"] > flatter["damage"]) for sharper, flatter in pairs]
    plain = [float(one["plain"]["top_eigenvalue"] > one["sharpness-aware"]["top_eigenvalue"]) for one in results]
    return [
        seed_mean("sharper over flatter model: safety loss at the start", ratio("safety_loss"), unit="ratio"),
        seed_mean("sharper over flatter model: top curvature", ratio("top_eigenvalue"), unit="ratio", better="higher"),
        seed_mean("seeds in which the sharpness-aware model is the flatter one", plain, unit="rate", better="higher"),
        *(
            seed_mean(f"{name} model: damage within the radius", [pair[at]["damage"] for pair in pairs], unit="nats")
            for at, name in enumerate(("sharper", "flatter"))
        ),
        *(
            seed_mean(
                f"{name} model: task loss within the radius", [pair[at]["task_loss"] for pair in pairs], unit="nats"
            )
            for at, name in enumerate(("sharper", "flatter"))
        ),
        seed_mean("seeds in which the sharper model loses more", lose_more, unit="rate", better="higher", target=0.8),
        *(
            seed_mean(
                f"{name} model: rank correlation of curvature and damage, 20 task directions",
                [pair[at]["rank_correlation"] for pair in pairs],
                unit="",
                better="higher",
                target=0.7,
            )
            for at, name in enumerate(("sharper", "flatter"))
        ),
    ]


def constraint_figures(results: Sequence[dict[str, Any]]) -> list[Figure]:
    """Budget and radius against what they should be, and against free fine-tuning."""
    apart, apart_from_zero = (
        [abs(one[name]["safety_loss"] - one[name]["budget"]) for one in results]
        for name in ("budget", "budget, lambda from 0")
    )
    refusal = [one["budget"]["declines"] - one["free"]["declines"] for one in results]
    radius = budget_and_radius.BALL["radius"]
    beyond = max(max(one["radius"]["norm"] / radius - 1, 0.0) for one in results)
    measures = (("declines", "rate", "higher"), ("safety_loss", "nats", "lower"), ("task_loss", "nats", "lower"))
    return [
        seed_mean("budget: held-out safety loss off the budget", apart, unit="nats", target=0.02),
        seed_mean(
            "budget: seeds within 0.02 nats", [float(one <= 0.02) for one in apart], unit="rate", better="higher",
            target=1.0,
        ),
        seed_mean("budget, lambda from 0: held-out safety loss off the budget", apart_from_zero, unit="nats"),
        seed_mean("budget: declines more than after free fine-tuning", refusal, unit="rate", better="higher", target=0.5),
        seed_mean("radius: largest excess of the norm at any step of any seed, relative", beyond, unit="share", target=1e-5),
        seed_mean(
            "radius: steps that were projected", [one["radius"]["projected"] for one in results], unit="share",
            better="higher",
        ),
        *(
            seed_mean(f"{name}: {what.replace('_', ' ')}", [one[name][what] for one in results], unit=unit, better=better)
            for name in budget_and_radius.METHODS
            for what, unit, better in measures
        ),
    ]  # fmt: skip


FIGURES = {"overlap": overlap_figures, "sharpness": sharpness_figures, "constraints": constraint_figures}


if __name__ == "__main__":
    main()
