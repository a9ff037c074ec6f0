"""Letters are those of the dictionary of components, and unknown residues are X, never glycine."""

import pytest
from biotite.sequence import ProteinSequence
from biotite.structure.info import amino_acid_names

from protein_fitness.amino_acids import AMINO_ACIDS, UNKNOWN
from protein_fitness.structures.modified_residues import dictionary_name, is_amino_acid, is_modified, letter_of

TWENTY = [ProteinSequence.convert_letter_1to3(letter) for letter in AMINO_ACIDS]


def test_the_twenty_have_their_letters():
    assert "".join(map(letter_of, TWENTY)) == AMINO_ACIDS
    assert not any(map(is_modified, TWENTY))
    assert all(map(is_amino_acid, TWENTY))
    assert [dictionary_name(name) for name in TWENTY] == TWENTY


@pytest.mark.parametrize(
    ("name", "letter"),
    [
        ("MSE", "M"),
        ("SEC", "C"),
        ("PYL", "K"),
        ("TPO", "T"),
        ("HYP", "P"),
        ("PCA", "Q"),
        ("KCX", "K"),
        ("DAL", "A"),
        ("HSD", "H"),
        ("CYX", "C"),
        ("GLH", "E"),  # not the glutamine derivative that the dictionary knows by this name
        ("CRO", "X"),  # made of three
        ("UNK", "X"),
        ("ASX", "X"),
        ("GLX", "X"),
        ("HOH", "X"),
        ("A", "X"),  # a nucleotide
        ("", "X"),
    ],
)
def test_others_have_their_parents(name, letter):
    assert letter_of(name) == letter
    assert is_modified(name)


def test_every_amino_acid_of_the_dictionary_has_a_letter():
    letters = {name: letter_of(name) for name in amino_acid_names()}
    assert set(letters.values()) == set(AMINO_ACIDS + UNKNOWN)


@pytest.mark.parametrize(
    ("name", "amino"), [("MSE", True), ("HSD", True), ("DAL", True), ("HOH", False), ("ATP", False), ("DA", False)]
)
def test_amino_acids_are_told_from_others(name, amino):
    assert is_amino_acid(name) == amino
