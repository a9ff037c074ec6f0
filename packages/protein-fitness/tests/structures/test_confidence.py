"""B-factors are confidence only if the file or the caller says so."""

import numpy as np
import pytest
from biotite.structure.io.pdb import PDBFile
from biotite.structure.io.pdbx import BinaryCIFCategory, BinaryCIFFile, CIFCategory, CIFFile, set_structure

from protein_fitness.structures import read_structure

ALPHAFOLD = "TITLE     ALPHAFOLD MONOMER V2.0 PREDICTION FOR IMMUNOGLOBULIN G-BINDING PROTEIN G"
XRAY = "EXPDTA    X-RAY DIFFRACTION"
EITHER = pytest.mark.parametrize(
    ("suffix", "file", "category"),
    [(".cif", CIFFile, CIFCategory), (".bcif", BinaryCIFFile, BinaryCIFCategory)],
)


@pytest.fixture
def chain(residue):
    return [line for number, b in ((1, 91.5), (2, 40.25)) for line in residue(number, b=b)]


@pytest.mark.parametrize(
    "header",
    [
        ALPHAFOLD,
        "TITLE     ESMFOLD V0 PREDICTION FOR INPUT",
        "HEADER    ModelArchive ma-abc12",
    ],
)
def test_a_header_that_names_a_predictor_makes_b_factors_confidence(chain, write, header):
    structure = read_structure(write([header], chain))
    assert structure.plddt.tolist() == [91.5, 40.25]
    assert structure.notes[-1].startswith("Confidence: the B-factors, since the header names ")


@pytest.mark.parametrize(
    "header",
    [
        [],
        [XRAY],
        ["TITLE     A CRYSTAL STRUCTURE AS ALPHAFOLD PREDICTED IT", XRAY],
        ["REMARK 200 STARTING MODEL: ALPHAFOLD"],
        ["EXPDTA    THEORETICAL MODEL (SWISS-MODEL SERVER)"],
    ],
)
def test_b_factors_of_other_files_are_not_confidence(chain, write, header):
    structure = read_structure(write(header, chain))
    assert structure.plddt is None
    assert structure.notes[-1].startswith("Confidence: none, since the file ")


def test_the_caller_decides(chain, write):
    assert read_structure(write([XRAY], chain), plddt="b_factor").plddt.tolist() == [91.5, 40.25]
    assert read_structure(write([ALPHAFOLD], chain), plddt="none").plddt is None
    assert read_structure(write([XRAY], chain), plddt=np.array([70, 80])).plddt.tolist() == [70.0, 80.0]


@EITHER
@pytest.mark.parametrize(
    ("categories", "confident"),
    [
        ({"ma_qa_metric": {"id": "1", "name": "pLDDT", "type": "pLDDT", "mode": "local"}}, True),
        ({"ma_qa_metric": {"id": ["1", "2"], "name": ["PAE", "score"], "type": ["PAE", "pLDDT"]}}, True),
        ({"ma_qa_metric": {"id": "1", "name": "QMEAN", "type": "other"}}, False),
        ({"exptl": {"method": "THEORETICAL MODEL"}, "ma_qa_metric": {"name": "pLDDT"}}, True),
        ({"exptl": {"method": "X-RAY DIFFRACTION"}, "ma_qa_metric": {"name": "pLDDT"}}, False),
        ({"exptl": {"method": "X-RAY DIFFRACTION"}}, False),
        ({}, False),
    ],
)
def test_mmcif_says_it_in_its_metadata(chain, write, tmp_path, suffix, file, category, categories, confident):
    pdbx = file()
    set_structure(pdbx, PDBFile.read(write(chain)).get_structure(model=1, extra_fields=["b_factor"]))
    for name, columns in categories.items():
        pdbx.block[name] = category({key: np.atleast_1d(value) for key, value in columns.items()})
    pdbx.write(tmp_path / f"x{suffix}")
    structure = read_structure(tmp_path / f"x{suffix}")
    assert (structure.plddt is not None) == confident
    if confident:
        assert structure.plddt.tolist() == [91.5, 40.25]


def test_a_residue_has_the_value_of_its_ca(residue, write):
    lines = residue(1, b=50.0)
    lines[1] = residue(1, b=77.0)[1]
    assert read_structure(write(lines), plddt="b_factor").plddt.tolist() == [77.0]


def test_fractions_become_percent(residue, write):
    structure = read_structure(write(residue(1, b=0.5), residue(2, b=0.95)), plddt="b_factor")
    assert structure.plddt.tolist() == pytest.approx([50.0, 95.0])
    assert structure.notes[-1] == "Confidence: the B-factors, as asked; they are fractions, so times 100."


@pytest.mark.parametrize(("low", "high"), [(20.0, 120.0), (-1.0, 90.0), (0.0, 0.0)])
def test_values_that_are_no_confidence_are_refused(residue, write, low, high):
    path = write([ALPHAFOLD], residue(1, b=low), residue(2, b=high))
    with pytest.raises(
        ValueError, match=rf"the B-factors of chain 'A' of .*tiny.pdb run from {low:g} to {high:g} and so are not"
    ):
        read_structure(path)
    with pytest.raises(ValueError, match=rf"`plddt` of chain 'A' of .*tiny.pdb run from {low:g} to {high:g}"):
        read_structure(path, plddt=np.array([low, high]))
    assert read_structure(path, plddt="none").plddt is None


def test_a_value_that_is_no_number_is_refused(chain, write):
    with pytest.raises(ValueError, match="run from nan to nan"):
        read_structure(write(chain), plddt=np.array([np.nan, 80.0]))


@pytest.mark.parametrize("shape", [(3,), (1,), (2, 1), ()])
def test_an_array_has_a_value_for_each_residue(chain, write, shape):
    with pytest.raises(ValueError, match=r"`plddt` has shape .* and chain 'A' of .*tiny.pdb has 2 residues"):
        read_structure(write(chain), plddt=np.full(shape, 80.0))


def test_an_unknown_policy_is_refused(chain, write):
    with pytest.raises(
        ValueError, match="`plddt` must be one of 'auto', 'b_factor', 'none' or an array, got 'bfactor'"
    ):
        read_structure(write(chain), plddt="bfactor")
