"""What the encoder says is what the model says of the right tokens, for each copy as if it were alone."""

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer, EsmModel

from protein_fitness.amino_acids import AMINO_ACIDS
from protein_fitness.encoders.encoder import Encoder, identity_of
from protein_fitness.encoders.masked_lm import MaskedLanguageModel
from protein_fitness.protein import make_protein

SEQUENCE = "MKVXLAWCDE"
ESM_ORDER = "LAGVSERTIDPKQNFYMHWC"


@pytest.fixture(scope="module")
def encoder(esm_folder):
    return MaskedLanguageModel.from_pretrained(esm_folder, device="cpu")


def masks(*sites, length=10):
    rows = np.zeros((len(sites), length), dtype=bool)
    for row, places in zip(rows, sites, strict=True):
        row[list(places)] = True
    return rows


def by_hand(encoder, sequence, masked):
    """Ids written out by the vocabulary of ESM, and the parts of the model called one after the other."""
    ids = [
        0,
        *(
            32 if hidden or letter == "X" else 4 + ESM_ORDER.index(letter)
            for letter, hidden in zip(sequence, masked, strict=True)
        ),
        2,
    ]
    with torch.no_grad():
        hidden = encoder.model.esm(torch.tensor([ids])).last_hidden_state
        logits = encoder.model.lm_head(hidden)
    columns = [4 + ESM_ORDER.index(letter) for letter in AMINO_ACIDS]
    return hidden[0, 1:-1], logits[0, 1:-1][:, columns]


def test_it_is_an_encoder_that_knows_its_sizes(encoder):
    assert isinstance(encoder, Encoder)
    assert (encoder.width, encoder.has_logits, encoder.longest) == (16, True, 60)


@pytest.mark.parametrize("sites", [(), (0,), (2, 5, 9)])
def test_features_and_logits_are_the_models_own_of_residues_alone(encoder, sites):
    masked = masks(sites)
    found = encoder.encode(make_protein(SEQUENCE), masked)
    features, logits = by_hand(encoder, SEQUENCE, masked[0])
    torch.testing.assert_close(found.features[0], features, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(found.logits[0], logits, atol=1e-5, rtol=1e-5)
    assert logits.std() > 0.1


def test_copies_with_other_numbers_of_masks_do_not_change_each_other(encoder):
    masked = masks((), (1,), (0, 2, 4, 6, 8), tuple(range(9)))
    together = encoder.encode(make_protein(SEQUENCE), masked)
    for copy, row in enumerate(masked):
        alone = encoder.encode(make_protein(SEQUENCE), row[None])
        torch.testing.assert_close(together.features[copy], alone.features[0], atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(together.logits[copy], alone.logits[0], atol=1e-5, rtol=1e-5)


def test_a_masked_letter_is_in_nothing_that_is_said(encoder):
    masked = masks((4,))
    one, other = (encoder.encode(make_protein(SEQUENCE[:4] + to + SEQUENCE[5:]), masked) for to in "LW")
    assert torch.equal(one.features, other.features)
    assert torch.equal(one.logits, other.logits)


def test_a_checkpoint_without_head_has_the_same_features_and_no_logits(encoder, esm_folder, tmp_path):
    EsmModel.from_pretrained(esm_folder, add_pooling_layer=False).save_pretrained(tmp_path)
    for name in esm_folder.iterdir():
        if name.name.startswith(("vocab", "token", "special")):
            (tmp_path / name.name).write_bytes(name.read_bytes())
    bare = MaskedLanguageModel.from_pretrained(tmp_path, device="cpu")
    found = bare.encode(make_protein(SEQUENCE), masks((3,)))
    assert not bare.has_logits
    assert found.logits is None
    torch.testing.assert_close(found.features, encoder.encode(make_protein(SEQUENCE), masks((3,))).features)
    # Its pooler is in no checkpoint and would be random.
    assert bare.fingerprint == MaskedLanguageModel.from_pretrained(tmp_path, device="cpu").fingerprint


def test_the_identity_follows_the_weights(encoder, esm_folder, tmp_path):
    again = MaskedLanguageModel.from_pretrained(esm_folder, device="cpu")
    assert identity_of(again) == identity_of(encoder) == f"{esm_folder}@{encoder.fingerprint}"
    with torch.no_grad():
        again.model.esm.encoder.layer[0].attention.self.key.weight.add_(1)
        again.model.esm.embeddings.word_embeddings.weight.add_(1)
        again.model.lm_head.dense.weight.add_(1)
        again.model.esm.contact_head.regression.weight.add_(1)
    other = MaskedLanguageModel(again.model, AutoTokenizer.from_pretrained(esm_folder), id="other")
    assert other.fingerprint != encoder.fingerprint


def test_bfloat16_is_taken_and_given_back_as_float32(esm_folder, encoder):
    small = MaskedLanguageModel.from_pretrained(esm_folder, device="cpu", dtype="bfloat16")
    found = small.encode(make_protein(SEQUENCE), masks(()))
    assert small.model.dtype == torch.bfloat16
    assert found.features.dtype == found.logits.dtype == torch.float32
    assert small.fingerprint == encoder.fingerprint


def test_a_sequence_that_is_too_long_is_refused(encoder):
    assert encoder.encode(make_protein("M" * 60), masks((), length=60)).features.shape == (1, 60, 16)
    with pytest.raises(ValueError, match="the sequence has 61 residues and .* reads 60; give a window of it"):
        encoder.encode(make_protein("M" * 61), masks((), length=61))


def test_a_folder_without_a_model_is_refused_with_what_to_give(tmp_path):
    with pytest.raises(ValueError, match="cannot be loaded as a protein language model .* such as ESM-2"):
        MaskedLanguageModel.from_pretrained(tmp_path)


def test_a_head_that_would_be_random_is_refused(esm_folder, tmp_path):
    for name in esm_folder.iterdir():
        (tmp_path / name.name).write_bytes(name.read_bytes())
    weights = load_file(tmp_path / "model.safetensors")
    kept = {name: weight for name, weight in weights.items() if "lm_head.dense" not in name}
    save_file(kept, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ValueError, match=r"lacks the weight lm_head.dense.bias, which would be random \(2 such\)"):
        MaskedLanguageModel.from_pretrained(tmp_path)


def test_a_tokenizer_of_other_pieces_is_refused(encoder):
    class Pieces:
        unk_token_id, mask_token_id = 3, 32

        def convert_tokens_to_ids(self, letters):
            return [3 if letter in "WY" else 5 for letter in letters]

    with pytest.raises(ValueError, match="tokenizer of here has no token W, Y; give a model that reads a token a res"):
        MaskedLanguageModel(encoder.model, Pieces(), id="here")
    Pieces.convert_tokens_to_ids = lambda self, letters: list(range(4, 24))
    Pieces.mask_token_id = None
    with pytest.raises(ValueError, match="tokenizer of here has no mask; give a masked language model"):
        MaskedLanguageModel(encoder.model, Pieces(), id="here")
