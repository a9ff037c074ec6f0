"""Of alternatives the one with the highest occupancy is read."""

import numpy as np
import pytest

from protein_fitness.structures import read_structure


def heights(structure):
    """The z of each CA, by which alternatives are told apart."""
    return structure.backbone[:, 1, 2].round(3).tolist()


def mixed(*lists):
    """Atom by atom, as many files have alternatives."""
    return [line for together in zip(*lists, strict=True) for line in together]


@pytest.mark.parametrize("ids", ["AB", "BA", "12"])  # biotite alone loses digits
@pytest.mark.parametrize("interleaved", [False, True])
@pytest.mark.parametrize(("shares", "height"), [((0.3, 0.7), 2.0), ((0.7, 0.3), 1.0)])
def test_the_highest_occupancy_is_read(residue, write, ids, interleaved, shares, height):
    one, other = (
        residue(2, location=letter, occupancy=share, shift=shift)
        for letter, share, shift in zip(ids, shares, (1.0, 2.0), strict=True)
    )
    both = mixed(one, other) if interleaved else one + other
    structure = read_structure(write(residue(1), both, residue(3)))
    assert heights(structure) == [0.0, height, 0.0]
    assert "Of alternative locations the one of the highest occupancy is read at 2." in structure.notes
    assert np.isfinite(structure.accessibility).all()


def test_of_equals_the_fuller_and_then_the_first_is_read(residue, write):
    halves = [residue(1, location=letter, occupancy=0.5, shift=shift) for letter, shift in (("B", 1.0), ("A", 2.0))]
    assert heights(read_structure(write(*halves))) == [2.0]  # by letter
    halves[1] = halves[1][:4]
    assert heights(read_structure(write(*halves))) == [1.0]


def test_atoms_without_alternative_are_kept(residue, write):
    backbone = residue(1, atoms=("N", "CA", "C", "O"))
    sides = [residue(1, atoms=("CB",), location=one, occupancy=share) for one, share in (("A", 0.4), ("B", 0.6))]
    structure = read_structure(write(backbone, *sides))
    assert np.isfinite(structure.backbone).all()
    assert np.isfinite(structure.accessibility).all()


@pytest.mark.parametrize("interleaved", [False, True])
@pytest.mark.parametrize(("shares", "letter"), [((0.48, 0.52), "G"), ((0.6, 0.4), "A")])
def test_of_two_residues_at_a_place_one_is_read(residue, write, interleaved, shares, letter):
    few, many = ("N", "CA", "C", "O"), ("CB", "N", "CA", "C", "O")
    one, other = (
        residue(2, name, atoms=atoms, location=location, occupancy=share)
        for name, atoms, location, share in zip(("ALA", "GLY"), (many, few), "AB", shares, strict=True)
    )
    both = one[:1] + mixed(one[1:], other) if interleaved else one + other
    structure = read_structure(write(residue(1), both, residue(3)))
    assert structure.sequence == f"A{letter}A"
    kind = {"A": "ALA", "G": "GLY"}[letter]
    assert f"Residue 2 is ALA or GLY; {kind} is read." in structure.notes


def test_a_chain_whose_numbers_start_again_loses_nothing(residue, write):
    structure = read_structure(write(residue(1), residue(2), residue(1, "GLY", place=20), residue(2, "GLY", place=21)))
    assert structure.sequence == "AAGG"
    assert structure.break_after.tolist() == [False, True, False, False]
