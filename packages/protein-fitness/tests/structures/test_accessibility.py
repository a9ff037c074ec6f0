"""Accessible surfaces are those of spheres, and relative to a residue's maximum."""

import numpy as np
import pytest
from biotite.structure import get_residue_starts
from biotite.structure.info import vdw_radius_protor
from biotite.structure.io.pdb import PDBFile

from protein_fitness.structures import read_structure
from protein_fitness.structures.accessibility import MAXIMAL_ACCESSIBILITY, relative_accessibility

PROBE = 1.4
ALANINE = {"N": 1.64, "CA": 1.88, "C": 1.61, "O": 1.42, "CB": 1.88}  # Å, Tsai et al. 1999


@pytest.fixture(scope="module")
def protein(protein_g):
    atoms = PDBFile.read(protein_g).get_structure(model=1)
    return atoms[(atoms.res_name != "HOH") & (atoms.element != "H")]


def accessibility(atoms):
    return relative_accessibility(atoms, get_residue_starts(atoms))


def spheres(number):
    """Points on the unit sphere, spread by a rule that is not biotite's: rings of equal height."""
    z, turn = 1 - (2 * np.arange(number) + 1) / number, np.arange(number) * np.pi * (1 + 5**0.5)
    return np.stack([np.sqrt(1 - z**2) * np.cos(turn), np.sqrt(1 - z**2) * np.sin(turn), z], axis=-1)


def surfaces(atoms, number=400):
    """Å² of each atom, in float64, against all other atoms."""
    radii = PROBE + np.array([vdw_radius_protor(*one) for one in zip(atoms.res_name, atoms.atom_name, strict=True)])
    places, found = atoms.coord.astype(np.float64), []
    for at, radius in enumerate(radii):
        near = np.flatnonzero(np.linalg.norm(places - places[at], axis=-1) < radii + radius)
        near = near[near != at]
        points = places[at] + radius * spheres(number)
        covered = (np.linalg.norm(points[:, None] - places[near], axis=-1) < radii[near]).any(axis=1)
        found.append(4 * np.pi * radius**2 * (1 - covered.mean()))
    return np.array(found)


def test_it_is_what_a_second_computation_gives(protein):
    starts = get_residue_starts(protein)
    names = protein.res_name[starts]
    letters = {"MET": "M", "THR": "T", "TYR": "Y", "LYS": "K", "LEU": "L", "ILE": "I", "ASN": "N", "GLY": "G"}
    letters |= {"GLU": "E", "ALA": "A", "VAL": "V", "ASP": "D", "PHE": "F", "GLN": "Q", "TRP": "W"}
    maxima = np.array([MAXIMAL_ACCESSIBILITY[letters[name]] for name in names])
    own = np.add.reduceat(surfaces(protein), starts) / maxima
    assert accessibility(protein) == pytest.approx(own, abs=0.02)  # two meshes of some hundred points


def test_far_atoms_have_whole_spheres(atom, write):
    lines = [atom(name, (20.0 * at, 0.0, 0.0), "ALA", 1) for at, name in enumerate(ALANINE)]
    whole = sum(4 * np.pi * (radius + PROBE) ** 2 for radius in ALANINE.values())
    assert read_structure(write(lines)).accessibility == pytest.approx([whole / 129], rel=1e-3)


def test_neighbours_only_cover(protein):
    """Between two neighbours a residue is a little below its maximum, alone above it, and least in the whole."""
    starts = get_residue_starts(protein, add_exclusive_stop=True)
    whole = accessibility(protein)
    alone = np.array([accessibility(protein[starts[at] : starts[at + 1]])[0] for at in range(56)])
    between = np.array([accessibility(protein[starts[at - 1] : starts[at + 2]])[1] for at in range(1, 55)])
    assert (whole <= alone).all()
    assert (whole[1:-1] <= between).all()
    assert (between <= alone[1:-1]).all()
    assert alone.min() > 1.2
    assert 0.6 < between.min() < between.max() < 1


def test_buried_and_exposed_residues_of_protein_g_are_told_apart(protein_g):
    structure = read_structure(protein_g)
    core = [structure.labels.index(str(number)) for number in (5, 20, 26, 30, 34, 52, 54)]
    assert structure.accessibility[core].max() < 0.1
    assert structure.accessibility[[10, 20, 39, 47]].min() > 0.5


def test_a_residue_that_lacks_atoms_is_not_known(residue, write):
    lines = [residue(1), residue(2, "LEU"), residue(3, atoms=("N", "CA", "C", "CB")), residue(4)]
    structure = read_structure(write(*lines))
    assert np.isnan(structure.accessibility).tolist() == [False, True, True, False]
    assert any("Accessibility is not known" in note and note.endswith(" at 2, 3.") for note in structure.notes)


@pytest.mark.parametrize(("name", "known"), [("DAL", True), ("UNK", False), ("QQQ", False)])
def test_a_modified_residue_has_its_parents_maximum(residue, write, name, known):
    ordinary, other = (read_structure(write(residue(1, one))).accessibility for one in ("ALA", name))
    assert other == (pytest.approx(ordinary) if known else pytest.approx([np.nan], nan_ok=True))


def test_a_simulations_name_stands_for_the_residue(residue, protein_g, write):
    lines = protein_g.read_text().splitlines()
    renamed = [line.replace("LYS A", "LYN A").replace("ASP A", "ASH A") for line in lines]
    one, other = read_structure(protein_g), read_structure(write(renamed))
    assert other.sequence == one.sequence
    assert np.array_equal(one.accessibility, other.accessibility)


def test_an_atom_that_no_dictionary_has_still_covers(residue, atom, write):
    bare = read_structure(write(residue(1)))
    lines = [*residue(1), atom("OT2", (2.5, 1.1, 1.3), "ALA", 1)]
    covered = read_structure(write(lines))
    assert covered.accessibility[0] != bare.accessibility[0]
    assert np.isfinite(covered.accessibility).all()
