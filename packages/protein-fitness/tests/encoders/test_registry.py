import numpy as np
import pytest

from protein_fitness.encoders.encoder import Encoder
from protein_fitness.encoders.masked_lm import MaskedLanguageModel
from protein_fitness.encoders.registry import WITHOUT_WEIGHTS, make_encoder
from protein_fitness.protein import make_protein


@pytest.mark.parametrize("id", ["letters", "profile"])
def test_an_encoder_is_made_by_its_id_and_as_wide_as_it_says(id):
    encoder = make_encoder(id)
    found = encoder.encode(make_protein("MKXW", profile=np.full((4, 20), 0.05)), np.zeros((2, 4), dtype=bool))
    assert isinstance(encoder, Encoder)
    assert encoder.id == id
    assert found.features.shape == (2, 4, encoder.width)
    assert (found.logits is not None) == encoder.has_logits


def test_a_folder_is_a_language_model(esm_folder):
    encoder = make_encoder(str(esm_folder), device="cpu", dtype="float64")
    assert isinstance(encoder, MaskedLanguageModel)
    assert encoder.id == str(esm_folder)
    assert str(encoder.model.dtype) == "torch.float64"


def test_ids_of_encoders_without_weights_are_those_they_are_made_by():
    assert {id: make_encoder(id).id for id in WITHOUT_WEIGHTS} == {id: id for id in WITHOUT_WEIGHTS}
