"""What the encoder says is the profile and the letters that may be seen."""

import numpy as np
import pytest
import torch

from protein_fitness.encoders.profile import ProfileEncoder
from protein_fitness.protein import make_protein

SEQUENCE = "MKXW"
PROFILE = np.random.default_rng(0).dirichlet(np.ones(20), len(SEQUENCE))
MASKED = np.array([[False] * 4, [True, False, False, True]])


def test_a_masked_letter_changes_nothing_while_the_profile_stays():
    one, other = (ProfileEncoder().encode(make_protein(text, profile=PROFILE), MASKED) for text in ("MKXW", "AKXC"))
    assert torch.equal(one.features[1], other.features[1])
    assert not torch.equal(one.features[0], other.features[0])


def test_frequencies_come_first_and_logits_give_them_back():
    found = ProfileEncoder().encode(make_protein(SEQUENCE, profile=PROFILE), MASKED)
    wanted = torch.from_numpy(PROFILE).float().expand(2, 4, 20)
    torch.testing.assert_close(found.features[..., :20], wanted)
    torch.testing.assert_close(found.logits.softmax(-1), wanted, atol=2e-6, rtol=1e-4)


def test_a_frequency_of_0_has_a_finite_logit():
    certain = np.eye(20)[:4]
    logits = ProfileEncoder().encode(make_protein(SEQUENCE, profile=certain), MASKED).logits
    assert logits.isfinite().all()


def test_a_protein_without_alignment_is_refused():
    with pytest.raises(ValueError, match="reads an alignment and the protein has none; give one, or another encoder"):
        ProfileEncoder().encode(make_protein(SEQUENCE), MASKED)
