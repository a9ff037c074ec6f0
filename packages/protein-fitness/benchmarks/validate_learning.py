"""What S2F and S3F learn of hidden residues, beside networks that lack one thing each.

Chains come from ProMod3's structure database (``--database``, the unpacked promod3-data of Debian), and no chain of the
test has a relative in training. Every network is asked for the same hidden residues of the same chains, so gains are
paired. Residues are known by letters alone, or by frequencies among homologues besides, which are held against those
frequencies alone.

A run trains one network with one seed. It leaves a file in ``--work`` and is not trained again; one that was cut off
goes on from its last checkpoint. Runs are independent and may go side by side: name some of them by ``--runs``. There
are two records, of networks without a surface and of those with one, each written once its runs are there. Surfaces
are coarser than the paper's, with cells of 3 Å rather than 1, so that they can be learnt from on a CPU.
"""

import argparse
import fnmatch
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from hidden_residues import SIZES, frequencies_alone, mean_figure  # the file beside this one

from gpu_commons import Figure, write_record
from gpu_commons.environment import hardware_slug
from gpu_commons.write_aside import write_text_aside
from protein_fitness.model.config import S3FConfig
from protein_fitness.model.s3f import S3FModel
from protein_fitness.training.chains import Chains, read_chains
from protein_fitness.training.clusters import cluster
from protein_fitness.training.controls import CONTROLS
from protein_fitness.training.dataset import EvaluationChains, MaskedChains
from protein_fitness.training.evaluation import Recovery, background, evaluate
from protein_fitness.training.features import FEATURES
from protein_fitness.training.splits import Split, split_by_cluster
from protein_fitness.training.trainer import TrainingSettings, train_fitness_model

RESULTS = Path(__file__).parent / "results"
SEEDS = (0, 1, 2)
CHAINS, STEPS, BATCH_RESIDUES, LEARNING_RATE = 1000, 400, 1000, 1e-3
SURFACE = {"resolution": 3.0, "most_eigenpairs": 32}
SHARES = {"validation": 0.1, "test": 0.25}
BACKGROUND, FREQUENCIES = "background", "profile, frequencies alone"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One network.

    Attributes:
        features: What a residue is known by.
        surface: Whether it is an S3F.
        pooling: Of the surface.
        control: What is taken away.
    """

    features: str = "letters"
    surface: bool = False
    pooling: str = "local"
    control: str | None = None


PLANS = {
    **{
        f"{features}, {name}": Plan(features=features, surface=name == "S3F", control=control)
        for features in ("letters", "profile")
        for name, control in (
            ("S2F", None),
            ("S3F", None),
            *(
                (control, control)
                for control in ("sequence-only", "structure-only", "shuffled-structure", "random-edges")
            ),
        )
    },
    "letters, S3F, global pooling": Plan(surface=True, pooling="global"),
    "letters, S3F, permuted-surface": Plan(surface=True, control="permuted-surface"),
}
GAINS = [
    *(
        (f"{features}, {network}", f"{features}, {control}")
        for features in ("letters", "profile")
        for network in ("S2F", "S3F")
        for control in ("sequence-only", "structure-only", "shuffled-structure", "random-edges")
    ),
    *((f"{features}, S3F", f"{features}, S2F") for features in ("letters", "profile")),
    ("letters, S3F", "letters, S3F, global pooling"),
    ("letters, S3F", "letters, S3F, permuted-surface"),
    ("letters, sequence-only", BACKGROUND),
    *((f"profile, {name}", FREQUENCIES) for name in ("S2F", "S3F", "sequence-only")),
]
"""Pairs of which the first should have the lower loss."""
PARTS = {
    "validate_learning": [name for name, plan in PLANS.items() if not plan.surface],
    "validate_learning_surface": [name for name, plan in PLANS.items() if plan.surface],
}
"""Networks of each record."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--database", type=Path, help="folder of promod3-data")
    parser.add_argument(
        "--runs", nargs="+", default=["*"], help="such as 'letters, S2F/0' or, with patterns, 'letters*'"
    )
    parser.add_argument("--work", type=Path, default=RESULTS / "scratch" / "learning", help="finished runs")
    parser.add_argument("--chains", type=int, default=CHAINS)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--results", type=Path, default=RESULTS)
    run, _ = parser.parse_known_args()
    if run.database is None:
        print("skipped: it needs --database, the folder of promod3-data.")
        return
    torch.set_num_threads(1)
    run.shortened = run.chains < CHAINS or run.steps < STEPS
    if run.shortened:  # what a trial leaves must not pass for a finished run
        run.work = run.work / f"trial_{run.chains}_{run.steps}"
    run.work.mkdir(parents=True, exist_ok=True)
    wanted = [
        (name, seed)
        for seed in SEEDS
        for name in PLANS
        if any(fnmatch.fnmatch(f"{name}/{seed}", one) for one in run.runs)
    ]
    if not wanted:
        parser.error(f"no run fits {', '.join(run.runs)}; there are {', '.join(PLANS)}, each with /0, /1 and /2")
    data = Data(run)
    for name, seed in wanted:
        if not (file := file_of(run.work, name, seed)).exists():
            found = carry_out(PLANS[name], seed, data, file.with_suffix(""), run)
            keep(found, file)
            print(f"{name}/{seed}: {found.mean_nll:.4f} nats, {found.accuracy:.3f} right", file=sys.stderr)
    for record_name, names in PARTS.items():
        record(record_name, names, data, run)


def file_of(work: Path, name: str, seed: int) -> Path:
    """Where what a run recovers lies."""
    return work / f"{name.replace(', ', '_').replace(' ', '-')}_{seed}.json"


class Data:
    """Chains, split once for all runs, and where their surfaces are kept."""

    def __init__(self, run: argparse.Namespace):
        self.surfaces = run.work / "surfaces"
        self.chains: Chains = read_chains(run.database, most=run.chains)
        path = run.work / "split.json"
        if not path.exists():
            split_by_cluster(self.chains, cluster(self.chains.sequences), shares=SHARES).save(path)
        split = Split.load(path, self.chains)
        self.numbers = {part: split.numbers(part, self.chains) for part in ("train", "validation", "test")}

    def part(self, part: str, config: S3FConfig, plan: Plan, seed: int = 0) -> Any:
        kind = MaskedChains if part == "train" else EvaluationChains
        control = CONTROLS[plan.control] if plan.control else None
        features = FEATURES[plan.features].of
        known = {"surfaces": self.surfaces if plan.surface else None, "control": control, "seed": seed}
        return kind(self.chains, self.numbers[part], config, features, **known)


def carry_out(plan: Plan, seed: int, data: Data, folder: Path, run: argparse.Namespace) -> Recovery:
    """Train, and say what is recovered of the test."""
    config = S3FConfig(
        encoder_width=FEATURES[plan.features].encoder.width,
        encoder_logits=FEATURES[plan.features].encoder.has_logits,
        surface=plan.surface,
        surface_pooling=plan.pooling,
        surface_settings=SURFACE,
        **SIZES,
    )
    torch.manual_seed(seed)
    model = S3FModel(config)
    settings = TrainingSettings(
        steps=run.steps,
        learning_rate=LEARNING_RATE,
        batch_residues=BATCH_RESIDUES,
        evaluate_every=max(1, run.steps // 5),
        seed=seed,
    )
    parts = data.part("train", config, plan, seed), data.part("validation", config, plan)
    train_fitness_model(model, *parts, out=folder, settings=settings, resume=True)
    return evaluate(model, data.part("test", config, plan))


def keep(found: Recovery, file: Path) -> None:
    told = {"names": found.names, "device": hardware_slug(torch.device("cuda" if torch.cuda.is_available() else "cpu"))}
    told |= {name: getattr(found, name).tolist() for name in ("positions", "nll", "correct")}
    write_text_aside(json.dumps(told), file)


# What is told


def record(record_name: str, names: Sequence[str], data: Data, run: argparse.Namespace) -> None:
    """Losses, and gains in nats a residue, with intervals by resampling chains; means over seeds."""
    gains = [(name, other) for name, other in GAINS if name in names]
    read_too = dict.fromkeys([*names, *(other for _, other in gains if other in PLANS)])
    files = {name: [file_of(run.work, name, seed) for seed in SEEDS] for name in read_too}
    if missing := [file.stem for seeds in files.values() for file in seeds if not file.exists()]:
        print(f"{record_name}: {len(missing)} runs to go, such as {missing[0]}", file=sys.stderr)
        return
    read = {name: [json.loads(file.read_text(encoding="utf-8")) for file in seeds] for name, seeds in files.items()}
    alone = without_network(data)
    losses = {name: np.mean([one["nll"] for one in seeds], 0) for name, seeds in read.items()}
    losses |= {name: found.nll for name, found in alone.items()}
    right = {name: np.mean([one["correct"] for one in seeds], 0) for name, seeds in read.items()}
    right |= {name: found.correct for name, found in alone.items()}
    positions = alone[BACKGROUND].positions

    def told(name: str, values: np.ndarray, unit: str, better: str, target: float | None = None) -> Figure:
        return mean_figure(name, values, positions, unit, better, target)

    shown = [*names, *alone]
    figures = [told(f"{name}, loss", losses[name], "nats", "lower") for name in shown]
    figures += [told(f"{name}, right", right[name], "rate", "higher") for name in shown]
    figures += [
        Figure(id=f"{name}, loss, most less least of seeds", value=spread(read[name]), unit="nats", better="lower")
        for name in names
    ]
    figures += [
        told(f"{name} over {other}, gain", losses[other] - losses[name], "nats", "higher", 0.0) for name, other in gains
    ]
    path = write_record(
        record_name,
        results_dir=run.results,
        command="python benchmarks/validate_learning.py --database DATABASE",
        config={
            "chains": {part: len(numbers) for part, numbers in data.numbers.items()},
            "hidden residues of the test": int(positions.sum()),
            "steps": run.steps,
            "batch_residues": BATCH_RESIDUES,
            "learning_rate": LEARNING_RATE,
            "network": SIZES,
            "surfaces": SURFACE,
            "devices of the seeds": {name: [one["device"] for one in seeds] for name, seeds in read.items()},
            "interval": "95 %, bootstrap over chains of the test, means over seeds",
        },
        seeds=list(SEEDS),
        figures=figures,
        shortened=run.shortened,
    )
    print(path.name, file=sys.stderr)


def spread(seeds: Sequence[Mapping[str, Any]]) -> float:
    """By how much the losses of the seeds differ, which intervals over chains do not show."""
    return float(np.ptp([np.sum(one["nll"]) / np.sum(one["positions"]) for one in seeds]))


def without_network(data: Data) -> dict[str, Recovery]:
    """What is recovered of the test by how common residues are, and by frequencies among homologues."""
    plain = data.part("test", S3FConfig(surface=False, encoder_width=21), Plan())
    profiles = data.part("test", S3FConfig(surface=False, encoder_width=41), Plan(features="profile"))
    return {
        BACKGROUND: background([data.chains.sequences[number] for number in data.numbers["train"]], plain),
        FREQUENCIES: frequencies_alone(profiles),
    }


if __name__ == "__main__":
    main()
