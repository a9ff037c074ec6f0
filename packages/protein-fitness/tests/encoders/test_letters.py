"""Letters alone, as the encoder of letters and that of homologues give them."""

import numpy as np
import pytest

from protein_fitness.amino_acids import AMINO_ACIDS
from protein_fitness.encoders.letters import LetterEncoder
from protein_fitness.encoders.profile import ProfileEncoder
from protein_fitness.protein import make_protein

MASKED = np.array([[False] * 4, [True, False, False, True]])


@pytest.mark.parametrize("kind", [LetterEncoder, ProfileEncoder])
def test_letters_are_seen_where_they_are_not_masked_and_nowhere_else(kind):
    protein = make_protein("MKXW", profile=np.full((4, 20), 0.05))
    letters = kind().encode(protein, MASKED).features[..., -21:]
    seen = [[AMINO_ACIDS[row[:20].argmax()] if row[20] == 0 else "." for row in copy] for copy in letters]
    assert ["".join(copy) for copy in seen] == ["MK.W", ".K.."]
    assert (letters.sum(-1) == 1).all()
