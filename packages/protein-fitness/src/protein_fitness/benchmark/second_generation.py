"""Predictions for ProteinGym's second-generation benchmark.

That benchmark runs each model in a container of its own, whose verb ``train`` is given the archive of an assay and a
model card, and leaves an archive of predictions. Scorers here learn nothing from labels, so all of the assay is scored,
whatever the split. The archives are read and written by proteingym-base, which the container installs.
"""

import importlib
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from jaxtyping import Float

from protein_fitness.homologues import alignment_notes, read_profile
from protein_fitness.mutations.mutation import Mutant, Substitution
from protein_fitness.protein import Protein, make_protein
from protein_fitness.scorers.registry import make_scorer, usual_scorer
from protein_fitness.scorers.scorer import Scorer
from protein_fitness.structures import read_structure

_LOG = logging.getLogger(__name__)

WILD_TYPE = "wild_type"
"""The type of the sequence that mutants are compared with; without one, a dataset's starting sequence is."""
SETTINGS = ("scorer", "mode")
"""What a model card may say under ``hyper_parameters``."""


def write_predictions(dataset_file: Path, target: str, model_card: Path, output: Path) -> Path:
    """Score the sequences of an archive as a model card says, and write the archive of predictions.

    Args:
        dataset_file: A dataset, or its subsets.
        target: Column that the predictions stand for.
        model_card: Markdown whose head has ``hyper_parameters`` with "scorer" and "mode"; without them, the scorer is
            what the dataset's structure and alignment allow.
        output: Folder of the archive; made if absent.

    Raises:
        ImportError: If proteingym-base is not installed.
        ValueError: If the card, the dataset or a sequence does not fit.
    """
    base, polars = _needed("proteingym.base"), _needed("polars")
    dataset = base.Subsets.from_path(dataset_file).dataset
    card = _needed("proteingym.base.model").ModelCard.from_path(model_card)
    settings = getattr(card, "hyper_parameters", {})
    if unknown := settings.keys() - set(SETTINGS):
        raise ValueError(f"{model_card.name} sets {', '.join(sorted(unknown))}; a card may set {', '.join(SETTINGS)}.")
    sequences = list(dict.fromkeys(dataset.to_df(target_names=target)["sequence"].to_list()))
    protein = protein_of(dataset)
    scores = score_sequences(sequences, protein, _scorer(protein, settings))
    table = polars.DataFrame({"sequence": sequences, target: scores.tolist()})
    output.mkdir(parents=True, exist_ok=True)
    return dataset.predictions_delta(table, target=target, allow_extra_predictions=True).dump(path=output)


def protein_of(dataset: Any) -> Protein:
    """The wild type of a dataset with its first structure and its first alignment, if it has any.

    Raises:
        ValueError: If the dataset has no sequence of the type "wild_type" or "starting_sequence".
    """
    by_type = {str(one.type): str(one.value) for one in reversed(dataset.sequences)}
    sequence = by_type.get(WILD_TYPE, by_type.get("starting_sequence"))
    if sequence is None:
        raise ValueError(f"{dataset.name} has no sequence of the type {WILD_TYPE!r} to compare mutants with.")
    with TemporaryDirectory() as folder:
        # The library holds them in classes of its own and writes files that we read.
        structures, alignments = (
            [Path(one.dump(path=Path(folder))) for one in parts[:1]] for parts in (dataset.structures, dataset.msas)
        )
        return make_protein(
            sequence,
            read_structure(structures[0]) if structures else None,
            profile=read_profile(alignments[0], sequence) if alignments else None,
            profile_notes=alignment_notes(alignments[0]) if alignments else (),
        )


def score_sequences(sequences: Sequence[str], protein: Protein, scorer: Scorer) -> Float[np.ndarray, " sequences"]:
    """Scores of whole sequences; those without one, such as the wild type's own, get the mean of the others.

    Raises:
        ValueError: If a sequence has another length than the wild type, or none has a score.
    """
    mutants = [mutant_of(sequence, protein.sequence) for sequence in sequences]
    distinct = list(dict.fromkeys(mutant for mutant in mutants if mutant is not None))
    found: dict[Mutant | None, float] = dict(zip(distinct, scorer.score(protein, distinct), strict=True))
    scores = np.array([found.get(mutant, np.nan) for mutant in mutants], dtype=float)
    absent = np.isnan(scores)
    if absent.all():
        raise ValueError(f"{scorer.name} scores none of the {len(sequences)} sequences.")
    if absent.any():
        _LOG.warning("%d of %d sequences have no score and get the mean.", absent.sum(), len(scores))
    return np.where(absent, scores[~absent].mean(), scores)


def mutant_of(sequence: str, wild: str) -> Mutant | None:
    """The substitutions that make a sequence; None for the wild type.

    Raises:
        ValueError: If the two differ in length, or a letter is not one of the twenty.
    """
    if len(sequence) != len(wild):
        raise ValueError(
            f"a sequence has {len(sequence)} residues and the wild type {len(wild)}; insertions and deletions cannot be "
            "scored, so take an assay of substitutions."
        )
    pairs = enumerate(zip(wild, sequence, strict=True), start=1)
    changes = tuple(Substitution(position=at, wild=old, to=new) for at, (old, new) in pairs if old != new)
    return Mutant(changes) if changes else None


def _scorer(protein: Protein, settings: Mapping[str, Any]) -> Scorer:
    if "scorer" not in settings:
        return usual_scorer(protein)
    return make_scorer(settings["scorer"], mode=settings.get("mode", "auto"))


def _needed(module: str) -> Any:
    # By name: it is installed from its repository, which the requirements of a package on an index cannot name.
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(
            "archives of ProteinGym's second generation need proteingym-base: install it from its repository, "
            "ProteinGym/proteingym-base."
        ) from error
