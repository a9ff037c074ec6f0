"""Trains the S2F that the package carries, and says what it recovers of chains without relatives in training.

Chains and frequencies among their homologues come from ProMod3's structure database (``--database``, the unpacked
promod3-data of Debian). Relatives of TEM-1 and of protein G's domain B1 are left out, so that their assays are of
proteins that the network has not seen. A run that was cut off goes on from its last checkpoint.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import torch
from hidden_residues import SIZES, frequencies_alone, mean_figure  # the file beside this one

from gpu_commons import Figure, model_fingerprint, write_record
from protein_fitness.examples import gb1
from protein_fitness.model.config import S3FConfig
from protein_fitness.model.s3f import S3FModel
from protein_fitness.structures import StructureDatabase
from protein_fitness.training.chains import Chains, read_chains
from protein_fitness.training.clusters import cluster, relatives
from protein_fitness.training.dataset import EvaluationChains, MaskedChains
from protein_fitness.training.evaluation import Recovery, evaluate
from protein_fitness.training.features import FEATURES
from protein_fitness.training.splits import Split, split_by_cluster
from protein_fitness.training.trainer import TrainingSettings, train_fitness_model

RESULTS = Path(__file__).parent / "results"
KIND = FEATURES["profile"]
CHAINS, STEPS, SEED = 4000, 2000, 0
SETTINGS = {"batch_residues": 1000, "learning_rate": 1e-3, "evaluate_every": 500, "seed": SEED}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", type=Path, required=True, help="folder of promod3-data")
    parser.add_argument("--out", type=Path, default=RESULTS / "scratch" / "s2f", help="folder for the network")
    parser.add_argument("--work", type=Path, default=RESULTS / "scratch" / "shipped", help="split and checkpoints")
    parser.add_argument("--chains", type=int, default=CHAINS)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--results", type=Path, default=RESULTS)
    run = parser.parse_args()
    run.work.mkdir(parents=True, exist_ok=True)
    chains, left_out = unseen_chains(run.database, run.chains)
    split = split_of(run.work / "split.json", chains)
    config = S3FConfig(
        encoder_id=KIND.encoder.id,
        encoder_fingerprint=KIND.encoder.fingerprint,
        encoder_width=KIND.encoder.width,
        encoder_logits=KIND.encoder.has_logits,
        surface=False,
        **SIZES,
    )
    torch.manual_seed(SEED)
    model = S3FModel(config)
    learnt = MaskedChains(chains, split.numbers("train", chains), config, KIND.of, seed=SEED)
    validation, test = (
        EvaluationChains(chains, split.numbers(part, chains), config, KIND.of) for part in ("validation", "test")
    )
    settings = TrainingSettings(steps=run.steps, **SETTINGS)
    train_fitness_model(model, learnt, validation, out=run.work, settings=settings, resume=True)
    model.save_pretrained(run.out)
    path = write_record(
        "train_shipped",
        results_dir=run.results,
        command="python benchmarks/train_shipped.py --database DATABASE",
        config={
            "chains": {part: len(split.numbers(part, chains)) for part in ("train", "validation", "test")},
            "left out as relatives of assayed proteins": left_out,
            "steps": run.steps,
            **SETTINGS,
            "network": SIZES,
            "weights": model_fingerprint(model),
            "interval": "95 %, bootstrap over chains of the test",
        },
        seeds=[SEED],
        figures=figures_of(model, test, (run.out / "model.safetensors").stat().st_size),
        shortened=run.chains < CHAINS or run.steps < STEPS,
    )
    print(path.name, file=sys.stderr)


def unseen_chains(database: Path, most: int) -> tuple[Chains, list[str]]:
    """Chains, and names of those that were left out."""
    chains, known = read_chains(database, most=most), StructureDatabase(database)
    assayed = [known.structure(known.find("1M40", "A")).sequence, gb1().sequence]
    related = np.any([relatives(sequence, chains.sequences) for sequence in assayed], axis=0)
    return chains.chosen(np.flatnonzero(~related)), [chains.names[number] for number in np.flatnonzero(related)]


def split_of(path: Path, chains: Chains) -> Split:
    if not path.exists():
        split_by_cluster(chains, cluster(chains.sequences)).save(path)
    return Split.load(path, chains)


def figures_of(model: S3FModel, test: EvaluationChains, size: int) -> list[Figure]:
    """Loss and share of hidden residues that are right, beside the frequencies that the network reads."""
    found, alone = evaluate(model, test), frequencies_alone(test)

    def told(name: str, values: np.ndarray, unit: str, better: str) -> Figure:
        return mean_figure(name, values, found.positions, unit, better)

    def both(name: str, one: Recovery) -> list[Figure]:
        return [told(f"{name}, loss", one.nll, "nats", "lower"), told(f"{name}, right", one.correct, "rate", "higher")]

    return [
        *both("s2f", found),
        *both("frequencies alone", alone),
        told("s2f over frequencies alone, gain", alone.nll - found.nll, "nats", "higher"),
        Figure(id="size of the weights", value=size / 1e6, unit="MB", better="lower", target=12.0),
    ]


if __name__ == "__main__":
    main()
