"""Small networks, an encoder whose every position hears of all others, and proteins with parts of a structure."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from protein_fitness.encoders.encoder import Encoded
from protein_fitness.encoders.letters import seen_letters
from protein_fitness.model.config import S3FConfig
from protein_fitness.model.s3f import S3FModel
from protein_fitness.protein import make_protein

SURFACE = {"points_per_atom": 6, "resolution": 2.5}


class ContextEncoder:
    """Letters near and far, mixed by random weights; counts the copies that it reads."""

    id, fingerprint, width = "context", "0", 12

    def __init__(self, *, longest=None, has_logits=True):
        self.longest, self.has_logits, self.copies = longest, has_logits, 0
        self.weight, self.head = torch.randn(2, 21, 20, generator=torch.Generator().manual_seed(0))

    def encode(self, protein, masked):
        assert self.longest is None or len(protein) <= self.longest
        self.copies += len(masked)
        seen = seen_letters(protein.sequence, masked)
        mixed = seen + seen.roll(1, 1) + 5 * seen.mean(1, keepdim=True)
        logits = mixed @ self.head if self.has_logits else None
        return Encoded(features=(mixed @ self.weight)[..., :12].tanh(), logits=logits)


@pytest.fixture
def encoder():
    return ContextEncoder()


@pytest.fixture(scope="session")
def context_encoder():
    """``context_encoder(longest, has_logits)``."""
    return ContextEncoder


@pytest.fixture(scope="session")
def network():
    """``network(**settings)``: in use, S2F unless ``surface=True``, with random weights."""

    def make(**settings):
        sizes = {"encoder_width": 12, "node_scalars": 10, "node_vectors": 4, "edge_scalars": 6, "num_layers": 2}
        config = S3FConfig(**{**sizes, "surface": False, "surface_settings": SURFACE, **settings})
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(1)
            model = S3FModel(config).eval()
        model.network.head.weight.data *= 10
        return model

    return make


@pytest.fixture(scope="session")
def part_of():
    """``part_of(structure, window)``: the chain's residues of a window alone."""

    def make(structure, window):
        part = slice(window.start, window.stop)
        rows = ("sequence", "labels", "backbone", "oxygen", "accessibility", "break_after")
        plddt = None if structure.plddt is None else structure.plddt[part]
        return replace(structure, plddt=plddt, **{name: getattr(structure, name)[part] for name in rows})

    return make


@pytest.fixture(scope="session")
def uncertain(gb1):
    """Protein G's B1 as if predicted, every third residue with a confidence of 50."""
    plddt = np.where(np.arange(len(gb1)) % 3 == 0, 50.0, 90.0)
    return make_protein(structure=replace(gb1.structure, plddt=plddt))
