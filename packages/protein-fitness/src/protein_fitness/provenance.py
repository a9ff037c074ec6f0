"""What scores were made with, as a file beside them."""

import json
import os
from pathlib import Path

from gpu_commons.write_aside import write_text_aside
from protein_fitness import __version__
from protein_fitness.protein import Protein
from protein_fitness.scorers.scorer import Scorer, notes_of


def write_beside(scores: str | os.PathLike[str], protein: Protein, scorer: Scorer, *, offset: int = 0) -> None:
    """Write the protein, the scorer and the notes of both into a .json beside a file of scores.

    With a structure, which of its residues stands at which position is written too, as .map.csv.

    Args:
        scores: The file that the other lies beside.
        protein: That was scored.
        scorer: After it has scored, since some tell only then what they did.
        offset: What was subtracted from the numbers of mutants to get positions.
    """
    told = {
        "version": __version__,
        "scorer": scorer.name,
        "sequence": protein.sequence,
        "structure": None if protein.structure is None else protein.structure.name,
        "structure_sha256": None if protein.structure is None else protein.structure.digest,
        "offset": offset,
        "notes": [*protein.notes, *notes_of(scorer, protein)],
    }
    write_text_aside(json.dumps(told, indent=2) + "\n", Path(scores).with_suffix(".json"))
    if protein.along is not None:
        protein.along.to_csv(Path(scores).with_suffix(".map.csv"))
