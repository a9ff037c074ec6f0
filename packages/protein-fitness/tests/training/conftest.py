"""Chains in memory: random ones, and protein G's domain B1 with variants of its sequence."""

import hashlib

import numpy as np
import pytest

from protein_fitness.amino_acids import AMINO_ACIDS, encode
from protein_fitness.structures import read_structure
from protein_fitness.structures.structure import Structure
from protein_fitness.training.chains import Chains


def _structure(name, sequence, backbone):
    return Structure(
        name=name,
        chain="A",
        sequence=sequence,
        labels=tuple(map(str, range(1, len(sequence) + 1))),
        backbone=backbone,
        accessibility=np.full(len(sequence), np.nan),
        plddt=None,
        break_after=np.zeros(len(sequence), dtype=bool),
        notes=(),
        digest=hashlib.sha256(name.encode() + sequence.encode()).hexdigest(),
    )


@pytest.fixture(scope="session")
def domain(gb1_file):
    """Protein G's domain B1 as read."""
    return read_structure(gb1_file)


@pytest.fixture(scope="session")
def chains_of(domain):
    """``chains_of(sequences)``: each on a piece of the domain's backbone, with a profile of random frequencies."""

    def make(sequences, names=None):
        names = tuple(names or [f"chain{number}" for number in range(len(sequences))])
        backbones = [np.resize(domain.backbone, (len(sequence), 3, 3)) for sequence in sequences]

        def read(number):
            profile = np.random.default_rng(number).dirichlet(np.ones(20), size=len(sequences[number]))
            return _structure(names[number], sequences[number], backbones[number]), profile

        return Chains(names, tuple(sequences), read, {})

    return make


@pytest.fixture(scope="session")
def random_sequence():
    """``random_sequence(draws, length)``: letters as often as they are in proteins, roughly."""
    often = np.array([8, 1.4, 5.5, 6.7, 3.9, 7, 2.3, 5.9, 5.8, 9.7, 2.4, 4, 4.7, 3.9, 5.5, 6.6, 5.3, 6.9, 1.1, 2.9])

    def draw(draws, length):
        return "".join(draws.choice(list(AMINO_ACIDS), size=length, p=often / often.sum()))

    return draw


@pytest.fixture(scope="session")
def relative(random_sequence):
    """``relative(draws, sequence, identity)``: exactly that share of the residues is kept."""

    def mutate(draws, sequence, identity):
        letters = encode(sequence)
        places = draws.choice(len(letters), len(letters) - round(identity * len(letters)), replace=False)
        others = encode(random_sequence(draws, len(places)))
        others = np.where(others == letters[places], (others + 1) % 20, others)
        letters[places] = others
        return "".join(AMINO_ACIDS[letter] for letter in letters)

    return mutate
