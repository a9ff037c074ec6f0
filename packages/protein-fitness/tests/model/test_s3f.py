"""A model is what its folder says: the same logits come back, and twenty of them in our order."""

import json

import pytest
import torch
from safetensors import safe_open

from protein_fitness.amino_acids import AMINO_ACIDS
from protein_fitness.model.s3f import S3FModel


@pytest.mark.parametrize("settings", [{"surface": False}, {}, {"surface_pooling": "global", "rbf_max": 10}])
def test_a_saved_model_comes_back_with_the_same_logits(settings, backbone, small_graph, small_model, tmp_path):
    model, graph = small_model(**settings), small_graph(backbone, **settings)
    model.save_pretrained(tmp_path)
    back = S3FModel.from_pretrained(tmp_path)
    assert not back.training
    assert torch.equal(back(graph), model(graph))
    assert back.config.to_dict() == S3FModel.from_pretrained(tmp_path).config.to_dict()
    assert json.loads((tmp_path / "config.json").read_text())["model_type"] == "s3f"
    with safe_open(tmp_path / "model.safetensors", "pt") as file:
        assert set(file.keys()) == set(model.state_dict())


def test_a_residue_gets_a_logit_for_each_amino_acid(backbone, small_graph, small_model):
    model = small_model()
    torch.nn.init.zeros_(model.network.head.weight)
    model.network.head.bias.data = torch.arange(20.0)
    assert model(small_graph(backbone)).argmax(-1).tolist() == [AMINO_ACIDS.index("Y")] * 56


def test_a_checkpoint_of_another_format_is_refused(small_model, tmp_path):
    small_model().save_pretrained(tmp_path)
    written = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**written, "format_version": 9}))
    with pytest.raises(ValueError, match="`format_version` is 9, and this version of protein-fitness reads 1"):
        S3FModel.from_pretrained(tmp_path)
