"""A chain is read as the file has it, and what is odd about it is noted."""

import gzip
import hashlib
import io
from itertools import chain as together

import numpy as np
import pytest
from biotite.structure.io.pdb import PDBFile
from biotite.structure.io.pdbx import BinaryCIFFile, CIFFile, set_structure

from protein_fitness.structures import read_structure

SEQUENCE = "MTYKLILNGKTLKGETTTEAVDAATAEKVFKQYANDNGVDGEWTYDDATKTFTVTE"


def noted(structure, words):
    return any(words in note for note in structure.notes)


def as_pdbx(path, kind):
    """The bytes of the same structure in another format."""
    file, stream = kind(), io.BytesIO() if kind is BinaryCIFFile else io.StringIO()
    atoms = PDBFile.read(path).get_structure(model=1, extra_fields=["b_factor", "occupancy"])
    set_structure(file, atoms)
    file.write(stream)
    return stream.getvalue() if kind is BinaryCIFFile else stream.getvalue().encode()


def test_protein_g_is_read(protein_g):
    structure = read_structure(protein_g)
    assert structure.sequence == SEQUENCE
    assert len(structure) == 56
    assert structure.labels == tuple(map(str, range(1, 57)))
    assert (structure.name, structure.chain) == ("1pga.pdb", "A")
    assert structure.plddt is None
    assert not structure.break_after.any()
    assert structure.digest == hashlib.sha256(protein_g.read_bytes()).hexdigest()
    lines = [line for line in protein_g.read_text().splitlines() if line.startswith("ATOM")]
    atoms = np.concatenate([structure.backbone, structure.oxygen[:, None]], axis=1)
    for place, name in enumerate(("N", "CA", "C", "O")):
        own = [[float(line[at : at + 8]) for at in (30, 38, 46)] for line in lines if line[12:16].strip() == name]
        assert atoms[:, place] == pytest.approx(np.array(own), abs=1e-4)


def test_oxygen_is_the_residues_own_also_beside_one_that_is_left_out(protein_g, tmp_path):
    gone = {(1, "CA"), (4, "O"), (5, "CA")}
    lines = protein_g.read_text().splitlines()
    kept = [line for line in lines if line[:4] != "ATOM" or (int(line[22:26]), line[12:16].strip()) not in gone]
    path = tmp_path / "x.pdb"
    path.write_text("\n".join(kept))
    structure, whole = read_structure(path), read_structure(protein_g)
    assert structure.labels[:4] == ("2", "3", "4", "6")
    assert np.array_equal(structure.oxygen[[0, 1, 3]], whole.oxygen[[1, 2, 5]])
    assert np.isnan(structure.oxygen[2]).all()
    assert np.isfinite(structure.oxygen[3:]).all()


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize(
    ("suffix", "kind"),
    [(".pdb", None), (".ENT", None), (".cif", CIFFile), (".mmcif", CIFFile), (".bcif", BinaryCIFFile)],
)
def test_formats_agree(protein_g, tmp_path, suffix, kind, compressed):
    content = protein_g.read_bytes() if kind is None else as_pdbx(protein_g, kind)
    path = tmp_path / f"x{suffix}{'.gz' * compressed}"
    path.write_bytes(gzip.compress(content) if compressed else content)
    one, other = read_structure(protein_g), read_structure(path)
    assert other.sequence == one.sequence
    assert np.array_equal(other.backbone, one.backbone)
    assert np.array_equal(other.accessibility, one.accessibility)
    assert other.name == path.name


def test_a_residue_without_ca_is_left_out_and_named(residue, write):
    structure = read_structure(write(residue(1), residue(2, atoms=("N", "C")), residue(3)))
    assert structure.labels == ("1", "3")
    assert noted(structure, "Left out for want of CA: 2.")
    assert structure.break_after.tolist() == [True, False]


def test_a_missing_n_or_c_is_nan(residue, write):
    structure = read_structure(write(residue(1), residue(2, atoms=("CA", "C")), residue(3, atoms=("N", "CA"))))
    assert np.isnan(structure.backbone).any(axis=-1).tolist() == [
        [False, False, False],
        [True, False, False],
        [False, False, True],
    ]
    assert noted(structure, "N or C is missing at 2, 3.")
    assert structure.break_after.tolist() == [True, False, False]


def test_a_coordinate_that_is_no_number_is_a_missing_atom(residue, write):
    lines = residue(1)
    lines[0] = lines[0][:30] + "     nan" + lines[0][38:]
    assert np.isnan(read_structure(write(lines)).backbone[0, 0]).all()


@pytest.mark.parametrize("length", [54, 60, 66])
def test_occupancy_and_b_factor_may_be_left_out(residue, write, length):
    whole = residue(1) + residue(2)
    one, other = read_structure(write(whole)), read_structure(write([line[:length] for line in whole]))
    assert np.array_equal(one.backbone, other.backbone)
    assert np.array_equal(one.accessibility, other.accessibility)


def test_of_an_atom_that_is_there_twice_the_first_is_read(residue, write):
    structure = read_structure(write(residue(1), residue(1, shift=2.0)))
    assert structure.backbone[0, :, 2].tolist() == [0.0, 0.0, 0.0]


def test_mmcif_needs_no_column_of_alternatives(residue, write, tmp_path):
    file = CIFFile.read(io.StringIO(as_pdbx(write(residue(1), residue(2)), CIFFile).decode()))
    del file.block["atom_site"]["label_alt_id"]
    file.write(tmp_path / "x.cif")
    assert read_structure(tmp_path / "x.cif").sequence == "AA"


def test_insertion_codes_are_kept_and_do_not_break_the_chain(residue, write):
    structure = read_structure(
        write(residue(51), residue(52), residue(52, place=53, insertion="A"), residue(53, place=54))
    )
    assert structure.labels == ("51", "52", "52A", "53")
    assert not structure.break_after.any()


@pytest.mark.parametrize(
    ("number", "place", "note"),
    [
        (2, 2, None),
        (2, 3, "The chain is broken after 1."),
        (4, 4, "The chain is broken after 1."),
        (9, 2, "The numbers jump, though the chain goes on, after 1."),
    ],
)
def test_breaks_are_found_by_distance_and_by_number(residue, write, number, place, note):
    structure = read_structure(write(residue(1), residue(number, place=place)))
    assert structure.break_after.tolist() == [note is not None, False]
    assert note is None or noted(structure, note)


@pytest.mark.parametrize(
    ("name", "letter", "note"),
    [
        ("MSE", "M", "MSE is read as M at 2."),
        ("SEC", "C", "SEC is read as C at 2."),
        ("SEP", "S", "SEP is read as S at 2."),
        ("UNK", "X", "UNK is read as X at 2, since it is not made of one of the twenty."),
        ("QQQ", "X", "QQQ is read as X at 2"),
    ],
)
@pytest.mark.parametrize("hetero", [False, True])
def test_modified_residues_have_their_parents_letter(residue, write, name, letter, note, hetero):
    structure = read_structure(write(residue(1, "GLY"), residue(2, name, hetero=hetero), residue(3, "LYS")))
    assert structure.sequence == f"G{letter}K"
    assert noted(structure, note)


def test_water_ligands_and_free_amino_acids_are_left_out(residue, atom, write):
    structure = read_structure(
        write(
            residue(1),
            residue(2),
            residue(3, "MSE", hetero=True),  # bonded to the one before
            residue(90, "GLU", hetero=True),  # a ligand
            [
                atom("O", (9.0, 9.0, 9.0), "HOH", 101, hetero=True),
                atom("CA", (5.0, 9.0, 9.0), "CA", 102, hetero=True, element="CA"),
            ],
        )
    )
    assert structure.sequence == "AAM"


def test_a_heteroatom_residue_among_others_is_protein_even_between_gaps(residue, write):
    path = write(residue(1), residue(10, "MSE", hetero=True), residue(20), residue(30, "MSE", hetero=True))
    assert read_structure(path).sequence == "AMA"


def test_a_chain_of_heteroatoms_is_protein_if_it_is_bonded(residue, write):
    assert read_structure(write(residue(1, "MSE", hetero=True), residue(2, "MSE", hetero=True))).sequence == "MM"


def test_hydrogens_change_nothing(residue, atom, write):
    heavy = residue(1) + residue(2)
    hydrogens = [atom("HA", (5.0, 0.3, 1.0), "ALA", 1, element="H")]
    one, other = read_structure(write(heavy)), read_structure(write(heavy[:5], hydrogens, heavy[5:]))
    assert np.array_equal(one.accessibility, other.accessibility)


def test_a_chain_is_named_if_there_are_several(residue, write):
    path = write(
        residue(1, chain="A"), residue(1, "GLY", chain="B", shift=20.0), residue(2, "HOH", atoms="O", chain="C")
    )
    with pytest.raises(ValueError, match=r"tiny.pdb has several protein chains; name one of 'A', 'B'[.]$"):
        read_structure(path)
    assert read_structure(path, chain="B").sequence == "G"
    with pytest.raises(ValueError, match=r"tiny.pdb has no chain 'D'; it has 'A', 'B', 'C'[.]$"):
        read_structure(path, chain="D")
    with pytest.raises(
        ValueError, match=r"chain 'C' of .*tiny.pdb has no protein residue; the file has 'A', 'B', 'C'[.]$"
    ):
        read_structure(path, chain="C")


def test_the_only_protein_chain_needs_no_name(residue, write):
    path = write(residue(1, "HOH", atoms=("O",), chain="A", hetero=True), residue(1, "GLY", chain="B"))
    assert read_structure(path).chain == "B"


def test_the_first_model_is_read_unless_another_is_named(residue, write):
    models = [[f"MODEL     {number:>4}", *residue(1, shift=float(number)), "ENDMDL"] for number in (1, 2, 3)]
    path = write(*models)
    for model in (1, 2, 3):
        structure = read_structure(path, model=model)
        assert structure.backbone[0, 0, 2] == model
        assert noted(structure, f"Model {model} of 3 is read.")
    assert np.array_equal(read_structure(path).backbone, read_structure(path, model=1).backbone)
    for model in (0, -1, 4):
        with pytest.raises(ValueError, match=rf"tiny.pdb has no model {model}; ask for one of its 3, counted from 1"):
            read_structure(path, model=model)


def test_another_chains_atoms_do_not_cover(residue, write):
    alone = read_structure(write(residue(1), residue(2)))
    beside = read_structure(write(residue(1), residue(2), residue(1, chain="B", shift=3.0)), chain="A")
    assert np.array_equal(alone.accessibility, beside.accessibility)


def test_a_file_without_protein_is_refused(atom, residue, write):
    with pytest.raises(ValueError, match="water.pdb has no protein residue"):
        read_structure(write([atom("O", (0.0, 0.0, 0.0), "HOH", 1, hetero=True)], name="water.pdb"))
    with pytest.raises(ValueError, match="chain 'A' of .*sides.pdb has no residue with CA"):
        read_structure(write(residue(1, atoms=("CB",)), name="sides.pdb"))


def test_a_missing_file_and_an_unknown_suffix_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no structure file .*absent.pdb; check the path"):
        read_structure(tmp_path / "absent.pdb")
    for name in ("x.txt", "x.pdb.zip", "x.gz", "x"):
        (tmp_path / name).write_text("")
        with pytest.raises(ValueError, match=rf"{name} ends in '.*'; use .pdb, .ent, .cif, .mmcif, .bcif"):
            read_structure(tmp_path / name)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.5, 0.9])
@pytest.mark.parametrize(("suffix", "kind"), [(".cif", CIFFile), (".bcif", BinaryCIFFile)])
def test_a_file_that_is_cut_off_is_refused(protein_g, tmp_path, suffix, kind, share):
    content = as_pdbx(protein_g, kind)
    path = tmp_path / f"cut{suffix}"
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(
        ValueError, match=rf"cut{suffix} cannot be read as .*CIF .*; it may be cut off or of another format"
    ):
        read_structure(path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("broken.pdb", b"HEADER only\n"),
        ("broken.pdb", b"ATOM      1  N   MET A   1      27.340  24.4"),
        ("broken.pdb", b"\xff\xfe\x00binary"),
        ("broken.cif", b"HEADER    IMMUNOGLOBULIN\n"),
        ("broken.pdb.gz", b"ATOM"),
        ("broken.cif.gz", gzip.compress(b"data_x\n" * 10)[:-9]),
    ],
)
def test_a_broken_file_is_refused(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=rf"{name} cannot be read as (PDB|mmCIF) "):
        read_structure(tmp_path / name)


def test_many_residues_are_counted_in_notes(residue, write):
    parts = together.from_iterable(residue(number, "MSE") for number in range(1, 31))
    assert noted(read_structure(write(parts)), "MSE is read as M at 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, ... (30 in all).")
