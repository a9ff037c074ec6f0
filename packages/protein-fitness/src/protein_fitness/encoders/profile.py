"""Homologues as an encoder: what stands at a position among relatives, and the letter where it is not masked."""

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from protein_fitness.amino_acids import AMINO_ACIDS
from protein_fitness.encoders.encoder import Encoded
from protein_fitness.encoders.letters import seen_letters
from protein_fitness.protein import Protein

_SMALLEST = 1e-6


class ProfileEncoder:
    """The twenty frequencies among relatives, then what :class:`LetterEncoder` gives: 41 numbers, and no weights.

    Frequencies rather than log-odds: they lie between 0 and 1 like the letters beside them, and one of 0, as of few
    relatives, is no outlier. The logits are their logarithms.

    A masked letter is in no feature. But the profile is of the whole family, the wild type among it, so it tells of the
    wild type what relatives tell: the fewer they are, the more.
    """

    id = "profile"
    fingerprint = "1"
    width = 2 * len(AMINO_ACIDS) + 1
    has_logits = True
    longest: int | None = None

    def encode(self, protein: Protein, masked: Bool[np.ndarray, "copies positions"]) -> Encoded:
        if protein.profile is None:
            raise ValueError(
                "the profile encoder reads an alignment and the protein has none; give one, or another encoder."
            )
        frequencies = _for_each(protein.profile, len(masked))
        logits = profile_logits(protein.profile).expand(len(masked), -1, -1)
        return Encoded(features=torch.cat([frequencies, seen_letters(protein.sequence, masked)], -1), logits=logits)


def profile_logits(profile: Float[np.ndarray, "positions 20"]) -> Float[Tensor, "positions 20"]:
    """Logarithms of frequencies, float32; one of 0 counts as 0.000001."""
    return torch.from_numpy(np.log(profile.clip(_SMALLEST))).float()


def _for_each(rows: Float[np.ndarray, "positions 20"], copies: int) -> torch.Tensor:
    return torch.from_numpy(rows).float().expand(copies, *rows.shape)
