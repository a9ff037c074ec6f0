"""Letters alone: what a network knows of a residue when there is no language model and no alignment."""

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from protein_fitness.amino_acids import AMINO_ACIDS, encode
from protein_fitness.encoders.encoder import Encoded
from protein_fitness.protein import Protein


class LetterEncoder:
    """The letter as one of twenty, none where it is masked, and whether it is masked: 21 numbers and no logits."""

    id = "letters"
    fingerprint = "1"
    width = len(AMINO_ACIDS) + 1
    has_logits = False
    longest: int | None = None

    def encode(self, protein: Protein, masked: Bool[np.ndarray, "copies positions"]) -> Encoded:
        return Encoded(features=seen_letters(protein.sequence, masked), logits=None)


def seen_letters(
    sequence: str, masked: Bool[np.ndarray, "copies positions"]
) -> Float[Tensor, "copies positions features"]:
    """One column for each of ``AMINO_ACIDS``, 1 where it stands unmasked, and a last one, 1 where nothing is seen."""
    indices = encode(sequence)
    hidden = masked | (indices < 0)
    seen = np.where(hidden, len(AMINO_ACIDS), indices)
    return torch.eye(len(AMINO_ACIDS) + 1)[torch.from_numpy(seen)]
