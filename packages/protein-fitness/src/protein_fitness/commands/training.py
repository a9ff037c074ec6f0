"""Verbs that train networks."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpu_commons.cli import show

if TYPE_CHECKING:
    from protein_fitness.training.chains import Chains
    from protein_fitness.training.features import FeatureKind
    from protein_fitness.training.splits import Split


def train(
    structures: str,
    out: str,
    features: str = "letters",
    surface: bool = False,
    epochs: float = 100,
    steps: int | None = None,
    batch_residues: int = 4000,
    learning_rate: float = 2e-4,
    width: int = 64,
    most: int | None = None,
    seed: int = 0,
    resume: bool = False,
    json: bool = False,
) -> None:
    """Train S2F or S3F to recover hidden residues, and say how well it does on chains without relatives in training.

    Args:
        structures: Folder of structure files with one protein chain each, or structure_db.dat of promod3-data.
        out: Folder for the model, its checkpoints, split.json and metrics.json.
        features: "letters", or "profile" for homologues' frequencies besides, which only structure_db.dat has.
        surface: Read surfaces too: S3F. They are made once, and kept in the folder.
        epochs: How often each chain is seen.
        steps: Batches that are learnt from, in place of epochs.
        batch_residues: About so many residues are in a batch.
        learning_rate: Of Adam; it stays the same.
        width: Scalar channels of residues; a sixteenth as many vectors, a quarter as many scalars of edges.
        most: Chains that are taken at most, drawn by the seed.
        seed: Of the draw of chains, the split, the first weights, masks, and the order of chains.
        resume: Go on from the last checkpoint.
        json: Print JSON.
    """
    import torch

    from protein_fitness.model.s3f import S3FModel
    from protein_fitness.training.chains import read_chains
    from protein_fitness.training.dataset import EvaluationChains, MaskedChains
    from protein_fitness.training.features import feature_kind
    from protein_fitness.training.trainer import TrainingSettings, train_fitness_model

    kind, folder = feature_kind(features), Path(out).expanduser()
    settings = TrainingSettings(
        epochs=epochs, steps=steps, learning_rate=learning_rate, batch_residues=batch_residues, seed=seed
    )
    options = {"features": features, "surface": surface, "width": width, "most": most, "seed": seed}
    options |= {"batch_residues": batch_residues, "learning_rate": learning_rate}
    _keep_options(folder / "options.json", options, resume=resume)
    chains = read_chains(structures, most=most, seed=seed)
    print(f"{len(chains)} chains are taken, and {len(chains.left_out)} do not fit.", file=sys.stderr)
    split = _split(folder / "split.json", chains, seed)
    config = _config(kind, width, surface=surface)
    known: dict[str, Any] = {"surfaces": folder / "surfaces" if surface else None}
    torch.manual_seed(seed)
    model = S3FModel(config)
    parts = {part: split.numbers(part, chains) for part in ("train", "validation", "test")}
    learnt = MaskedChains(chains, parts["train"], config, kind.of, seed=seed, **known)
    validation, test = (
        EvaluationChains(chains, parts[part], config, kind.of, **known) for part in ("validation", "test")
    )
    train_fitness_model(model, learnt, validation, out=folder, settings=settings, resume=resume)
    model.save_pretrained(folder / "model")
    show(_metrics(folder / "metrics.json", model, learnt, validation, test), as_json=json)


def _keep_options(path: Path, options: dict[str, Any], *, resume: bool) -> None:
    """Write what a run was asked for, so that none goes on as another."""
    import json

    from gpu_commons.write_aside import write_text_aside

    if resume and path.is_file():
        before = json.loads(path.read_text(encoding="utf-8"))
        if changed := [name for name in options if options[name] != before.get(name)]:
            raise ValueError(
                f"{path} has {changed[0]}={before.get(changed[0])!r} and {options[changed[0]]!r} is asked for; resume "
                "with the same options, or train in another folder."
            )
    elif path.is_file():
        raise ValueError(f"{path.parent} holds a training; set `resume` to go on with it, or give another folder.")
    write_text_aside(json.dumps(options, indent=2) + "\n", path)


def _split(path: Path, chains: "Chains", seed: int) -> "Split":
    from protein_fitness.training.clusters import cluster
    from protein_fitness.training.splits import Split, split_by_cluster

    if path.is_file():
        return Split.load(path, chains)
    split = split_by_cluster(chains, cluster(chains.sequences), seed=seed)
    split.save(path)
    return split


def _config(kind: "FeatureKind", width: int, *, surface: bool) -> Any:
    from protein_fitness.model.config import S3FConfig

    return S3FConfig(
        encoder_id=kind.encoder.id,
        encoder_fingerprint=kind.encoder.fingerprint,
        encoder_width=kind.encoder.width,
        encoder_logits=kind.encoder.has_logits,
        node_scalars=width,
        node_vectors=max(width // 16, 1),
        edge_scalars=max(width // 4, 1),
        surface=surface,
    )


def _metrics(path: Path, model: Any, learnt: Any, validation: Any, test: Any) -> dict[str, Any]:
    import json

    from gpu_commons.write_aside import write_text_aside
    from protein_fitness.training.evaluation import background, evaluate

    sequences = [learnt.chains.sequences[number] for number in learnt.numbers]
    told: dict[str, Any] = {"train_chains": len(learnt)}
    for part, examples in (("validation", validation), ("test", test)):
        found = evaluate(model, examples)
        told |= {
            f"{part}_chains": len(examples),
            f"{part}_residues": int(found.positions.sum()),
            f"{part}_nll": found.mean_nll,
            f"{part}_accuracy": found.accuracy,
            f"{part}_background_nll": background(sequences, examples).mean_nll,
        }
    write_text_aside(json.dumps(told, indent=2) + "\n", path)
    return told
