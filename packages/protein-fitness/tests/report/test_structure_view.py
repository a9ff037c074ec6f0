from dataclasses import replace

import numpy as np
import pytest

from protein_fitness.protein import make_protein
from protein_fitness.report.structure_view import CHOSEN, structure_view
from protein_fitness.structures.structure import CA


def test_residues_stand_where_the_file_has_them_coloured_by_tolerance(matrix, gb1):
    chain, residues, chosen = structure_view(matrix, gb1).data
    drawn = np.stack([residues.x, residues.y, residues.z], axis=1)
    apart = np.linalg.norm(drawn[:, None] - drawn[None], axis=-1)
    atoms = gb1.structure.backbone[:, CA]

    assert apart == pytest.approx(np.linalg.norm(atoms[:, None] - atoms[None], axis=-1), abs=0.03)
    assert residues.marker.color == pytest.approx(matrix.tolerance())
    assert list(residues.customdata) == list(range(1, 57))
    assert residues.text[15] == "T16, residue 16 of chain A"
    assert len(chain.x) == 56
    assert structure_view(matrix, gb1).data[CHOSEN] == chosen
    assert len(chosen.x) == 0


def test_the_chain_is_drawn_with_its_breaks(matrix, gb1):
    broken = np.zeros(56, dtype=bool)
    broken[[9, 29]] = True
    protein = make_protein(gb1.sequence, replace(gb1.structure, break_after=broken))

    line = np.array(structure_view(matrix, protein).data[0].x)

    assert np.flatnonzero(np.isnan(line)).tolist() == [10, 31]
    assert len(line) == 58


def test_a_protein_without_a_structure_is_refused(matrix, gb1):
    with pytest.raises(ValueError, match="no structure to draw; give one"):
        structure_view(matrix, make_protein(gb1.sequence))
