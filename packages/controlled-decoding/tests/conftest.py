"""Fixtures: one tiny model and a subspace made by hand, shared by all tests."""

import pytest
import torch

from controlled_decoding.hidden_state import HiddenSite
from controlled_decoding.subspace import SubspaceClassifier
from gpu_commons.testing import tiny_model, tiny_tokenizer

torch.set_num_threads(1)  # more are slower on models this small


def random_subspace(
    model, /, *, seed: int = 0, attribute: str = "toxicity", layer: int = -1, **fields
) -> SubspaceClassifier:
    """A random unit direction at a layer of a tiny model, as if it had been fitted."""
    generator = torch.Generator().manual_seed(seed)
    weight = torch.randn(model.config.hidden_size, generator=generator)
    values = {"slope": 2.0, "intercept": 0.1, **fields}
    return SubspaceClassifier(
        weight=weight / weight.norm(),
        midpoint=0.1 * torch.randn(model.config.hidden_size, generator=generator),
        attribute=attribute,
        site=HiddenSite.of(model, layer),
        **values,
    )


@pytest.fixture(scope="session")
def tokenizer():
    return tiny_tokenizer()


@pytest.fixture(scope="session")
def model():
    return tiny_model()


@pytest.fixture(scope="session")
def make_subspace():
    """``make_subspace(model, seed=..., layer=...)``: a random direction at a layer of a tiny model."""
    return random_subspace


@pytest.fixture
def subspace(model):
    return random_subspace(model)


@pytest.fixture(scope="session")
def prompts() -> dict[str, torch.Tensor]:
    """Three left-padded prompts of 7, 5 and 2 tokens."""
    tokens = torch.randint(3, 320, (3, 7), generator=torch.Generator().manual_seed(1))
    mask = torch.ones_like(tokens)
    mask[1, :2] = 0
    mask[2, :5] = 0
    return {"input_ids": tokens * mask, "attention_mask": mask}
