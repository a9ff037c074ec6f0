import numpy as np
import pytest
import torch

from protein_fitness.amino_acids import AMINO_ACIDS
from protein_fitness.protein import make_protein
from protein_fitness.training.features import FEATURES, feature_kind, letter_features, profile_features

MASK = np.array([False, True, False, True, False])


@pytest.fixture
def chain(chains_of):
    return chains_of(["ACDXY"])[0]


def test_letters_are_one_hot_where_they_are_seen(chain):
    features = letter_features(chain, MASK)

    assert [features[place, :20].nonzero().flatten().tolist() for place in range(5)] == [[0], [], [2], [], [19]]
    assert features[:, 20].tolist() == MASK.tolist()


def test_an_unknown_letter_is_not_seen_either(chain):
    features = letter_features(chain, np.zeros(5, dtype=bool))

    assert not features[[0, 1, 2, 4], 20].any()
    assert features[3].nonzero().flatten().tolist() == [20]


@pytest.mark.parametrize("kind", FEATURES)
def test_the_trained_network_scores_by_the_same_numbers(chain, kind):
    protein = make_protein("ACDXY", profile=chain.profile)

    encoded = FEATURES[kind].encoder().encode(protein, MASK[None])

    assert torch.equal(encoded.features[0], FEATURES[kind].of(chain, MASK))
    assert FEATURES[kind].encoder.has_logits == (encoded.logits is not None)


def test_a_profile_stands_before_the_letters(chain):
    features = profile_features(chain, MASK)

    assert np.array_equal(features[:, :20].numpy(), chain.profile.astype(np.float32))
    assert torch.equal(features[:, 20:], letter_features(chain, MASK))


@pytest.mark.parametrize("kind", FEATURES)
def test_a_hidden_letter_leaves_no_trace(chains_of, kind):
    seen = {FEATURES[kind].of(chains_of([f"A{letter}DGY"])[0], MASK).numpy().tobytes() for letter in AMINO_ACIDS}

    assert len(seen) == 1
    assert FEATURES[kind].of(chains_of(["ACDGY"])[0], MASK).shape == (5, FEATURES[kind].encoder.width)


def test_a_chain_without_homologues_is_named(chain):
    from dataclasses import replace

    with pytest.raises(ValueError, match="chain chain0 has no frequencies among homologues; train on ProMod3's"):
        profile_features(replace(chain, profile=None), MASK)


def test_other_features_are_refused():
    with pytest.raises(ValueError, match="`features` must be one of letters, profile, got 'esm'"):
        feature_kind("esm")
