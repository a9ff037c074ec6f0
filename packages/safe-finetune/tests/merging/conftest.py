"""Tiny models on disk."""

import pytest
import torch
from safetensors.torch import save_file

from gpu_commons.testing import tiny_model, tiny_tokenizer


@pytest.fixture(scope="session")
def trio(tmp_path_factory):
    """Folders of a base, a domain expert and an aligned model: one tiny Llama, moved twice."""
    folder = tmp_path_factory.mktemp("trio")
    model = tiny_model("llama")
    base = {name: part.clone() for name, part in model.state_dict().items()}
    for place, name in enumerate(("base", "domain", "aligned")):
        generator = torch.Generator().manual_seed(place)
        moved = {key: part + 0.02 * place * torch.randn(part.shape, generator=generator) for key, part in base.items()}
        model.load_state_dict(moved)
        model.to(torch.bfloat16).save_pretrained(folder / name)
        tiny_tokenizer().save_pretrained(folder / name)
        model.float()
    return folder


@pytest.fixture
def save_tensors():
    """``save_tensors(folder, tensors)``: a checkpoint without a config."""

    def save(folder, tensors):
        folder.mkdir(parents=True, exist_ok=True)
        save_file(tensors, folder / "model.safetensors")
        return str(folder)

    return save
