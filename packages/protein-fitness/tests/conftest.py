"""The structure that the package ships, and proteins made of it."""

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
