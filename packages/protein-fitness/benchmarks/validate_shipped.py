"""What the structure is worth to the network that ships: beside the same network without edges, trained alike.

Chains, split and settings are those of ``train_shipped.py``; ``--database`` is the unpacked promod3-data of Debian. The
control is trained here, the network that ships is not. A run that was cut off goes on from its last checkpoint.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from hidden_residues import frequencies_alone, mean_figure  # the files beside this one
from train_shipped import CHAINS, KIND, SEED, SETTINGS, STEPS, split_of, unseen_chains

from gpu_commons import Figure, model_fingerprint, write_record
from protein_fitness.model.s3f import S3FModel
from protein_fitness.scorers.registry import SHIPPED
from protein_fitness.training.controls import sequence_only
from protein_fitness.training.dataset import EvaluationChains, MaskedChains
from protein_fitness.training.evaluation import Recovery, evaluate
from protein_fitness.training.trainer import TrainingSettings, train_fitness_model

RESULTS = Path(__file__).parent / "results"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--database", type=Path, help="folder of promod3-data")
    parser.add_argument("--work", type=Path, default=RESULTS / "scratch" / "control", help="split and checkpoints")
    parser.add_argument("--chains", type=int, default=CHAINS)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--results", type=Path, default=RESULTS)
    run, _ = parser.parse_known_args()
    if run.database is None:
        print("skipped: it needs --database, the folder of promod3-data.")
        return
    run.work.mkdir(parents=True, exist_ok=True)
    chains, _ = unseen_chains(run.database, run.chains)
    split = split_of(run.work / "split.json", chains)
    shipped = S3FModel.from_pretrained(SHIPPED["s2f"])
    torch.manual_seed(SEED)
    control = S3FModel(shipped.config)

    def part(kind: type[MaskedChains], name: str, alone: bool = True) -> Any:
        numbers, lacking = split.numbers(name, chains), sequence_only if alone else None
        return kind(chains, numbers, shipped.config, KIND.of, control=lacking, seed=SEED)

    settings = TrainingSettings(steps=run.steps, **SETTINGS)
    learnt, validation = part(MaskedChains, "train"), part(EvaluationChains, "validation")
    train_fitness_model(control, learnt, validation, out=run.work, settings=settings, resume=True)
    whole, alone = part(EvaluationChains, "test", alone=False), part(EvaluationChains, "test")
    path = write_record(
        "validate_shipped",
        results_dir=run.results,
        command="python benchmarks/validate_shipped.py --database DATABASE",
        config={
            "chains": {name: len(split.numbers(name, chains)) for name in ("train", "validation", "test")},
            "steps": run.steps,
            **SETTINGS,
            "weights": model_fingerprint(shipped),
            "interval": "95 %, bootstrap over chains of the test",
        },
        seeds=[SEED],
        figures=figures_of(evaluate(shipped, whole), evaluate(control, alone), frequencies_alone(whole)),
        shortened=run.chains < CHAINS or run.steps < STEPS,
    )
    print(path.name, file=sys.stderr)


def figures_of(shipped: Recovery, control: Recovery, frequencies: Recovery) -> list[Figure]:
    """Losses, and gains in nats a residue."""

    def told(name: str, values: np.ndarray, better: str, target: float | None = None) -> Figure:
        return mean_figure(name, values, shipped.positions, "nats", better, target)

    return [
        told("s2f, loss", shipped.nll, "lower"),
        told("without edges, loss", control.nll, "lower"),
        told("s2f over frequencies alone, gain", frequencies.nll - shipped.nll, "higher", 0.0),
        told("without edges over frequencies alone, gain", frequencies.nll - control.nll, "higher"),
        told("s2f over without edges, gain", control.nll - shipped.nll, "higher", 0.0),
    ]


if __name__ == "__main__":
    main()
