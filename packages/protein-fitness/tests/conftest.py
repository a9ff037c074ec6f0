"""The structure that the package ships, proteins made of it, and stand-ins for what a test must not depend on."""

import gzip
from pathlib import Path

import pytest

import protein_fitness
from protein_fitness.protein import make_protein
from protein_fitness.structures import read_structure


@pytest.fixture(scope="session")
def gb1_file():
    return Path(protein_fitness.__file__).parent / "data" / "1pga.pdb"


@pytest.fixture(scope="session")
def gb1(gb1_file):
    """Protein G's domain B1 with its structure."""
    return make_protein(structure=read_structure(gb1_file))


@pytest.fixture
def shipped_network(tmp_path_factory, monkeypatch):
    """The folder of a tiny network in the place of the one that ships, whose weights may change."""
    import torch

    from protein_fitness.encoders.profile import ProfileEncoder
    from protein_fitness.model.config import S3FConfig
    from protein_fitness.model.s3f import S3FModel
    from protein_fitness.scorers.registry import SHIPPED
    from protein_fitness.scoring.predictor import FitnessPredictor

    folder = tmp_path_factory.mktemp("shipped")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = S3FModel(S3FConfig(encoder_width=41, node_scalars=8, num_layers=1, surface=False))
    FitnessPredictor(model, ProfileEncoder()).save_pretrained(folder)
    monkeypatch.setitem(SHIPPED, "s2f", folder)
    return folder


@pytest.fixture
def measured(gb1, tmp_path_factory, monkeypatch):
    """In the place of mavenn's table: of each site one mutant, the less stable the more it is buried."""
    from protein_fitness import examples

    lines = ["x,y"]
    for place in range(1, len(gb1)):
        mutant = gb1.sequence[:place] + ("A" if gb1.sequence[place] != "A" else "G") + gb1.sequence[place + 1 :]
        lines.append(f"{mutant[1:]},{-gb1.structure.accessibility[place]}")
    path = tmp_path_factory.mktemp("measured") / "nisthal_data.csv.gz"
    path.write_bytes(gzip.compress("\n".join(lines).encode()))
    monkeypatch.setattr(examples, "package_files", lambda requirement, pattern: [path])
    return path
