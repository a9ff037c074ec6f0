import gzip
import shutil

import numpy as np
import pytest

from protein_fitness.amino_acids import AMINO_ACIDS
from protein_fitness.structures import database
from protein_fitness.training.chains import read_chains


@pytest.fixture
def folder(gb1_file, tmp_path):
    """Protein G's domain B1 whole, cut short, without most of its N, twice in a file, and a file that is none."""
    lines = gb1_file.read_text().splitlines(keepends=True)
    atoms = [line for line in lines if line.startswith("ATOM")]
    shutil.copy(gb1_file, tmp_path / "whole.pdb")
    with gzip.open(tmp_path / "again.pdb.gz", "wt") as stream:
        stream.writelines(lines)
    (tmp_path / "short.pdb").write_text("".join(line for line in atoms if int(line[22:26]) <= 20))
    (tmp_path / "bare.pdb").write_text("".join(line for line in atoms if line[12:16].strip() != "N"))
    (tmp_path / "two.pdb").write_text("".join(atoms + [line[:21] + "B" + line[22:] for line in atoms]))
    (tmp_path / "broken.cif").write_text("nothing")
    (tmp_path / "notes.txt").write_text("not a structure")
    return tmp_path


def test_files_that_fit_are_read_and_the_others_are_told(folder, domain):
    chains = read_chains(folder, shortest=50)

    assert chains.names == ("again.pdb.gz", "whole.pdb")
    assert chains.sequences == (domain.sequence,) * 2
    assert chains.left_out.keys() == {"short.pdb", "bare.pdb", "two.pdb", "broken.cif"}
    assert chains.left_out["short.pdb"] == "short.pdb has 20 residues, and 50 to 300 are asked for."
    assert chains.left_out["bare.pdb"] == "bare.pdb has N, CA and C of 0% of its residues, and 95% are asked for."
    assert "several protein chains" in chains.left_out["two.pdb"]
    chain = chains[1]
    assert chain.sequence == domain.sequence
    assert np.array_equal(chain.backbone, domain.backbone)
    assert chain.profile is None
    assert chain.digest == chains.structure(1).digest != chains[0].digest


def test_a_file_is_read_when_it_is_asked_for(folder):
    chains = read_chains(folder, shortest=50)
    (folder / "whole.pdb").unlink()

    assert len(chains[0]) == 56
    with pytest.raises(FileNotFoundError, match="whole.pdb"):
        chains[1]


def test_chosen_chains_are_numbered_anew(chains_of):
    chains = chains_of(["ACD", "EFG", "HIK"])

    chosen = chains.chosen(np.array([2, 0]))

    assert chosen.names == ("chain2", "chain0")
    assert [chosen[number].sequence for number in range(2)] == ["HIK", "ACD"] == list(chosen.sequences)


def test_a_part_has_its_own_rows(chains_of):
    chain = chains_of(["ACDEFGHIXY"])[0]

    part = chain.part(slice(2, 9))

    assert part.sequence == "DEFGHIX"
    assert np.array_equal(part.backbone, chain.backbone[2:9])
    assert np.array_equal(part.profile, chain.profile[2:9])


def test_a_database_is_read_the_same_way(monkeypatch, tmp_path, domain):
    """Of three chains two have the length that is asked for."""
    entries = [
        database.Entry(name=name, chain="A", first=0, size=size, number=1)
        for name, size in [("1AAA", 20), ("2BBB", 56), ("3CCC", 56)]
    ]

    class Written(database.StructureDatabase):
        def __init__(self, path):
            self.entries = entries

        def structure(self, number):
            assert number > 0  # the short one is not read
            return domain

        def profile(self, number):
            return np.full((56, len(AMINO_ACIDS)), 0.05 * number)

    monkeypatch.setattr("protein_fitness.training.chains.StructureDatabase", Written)

    chains = read_chains(tmp_path, shortest=50)

    assert chains.names == ("2BBB_A", "3CCC_A")
    assert chains.left_out == {"1AAA_A": "1AAA_A has 20 residues, and 50 to 300 are asked for."}
    assert chains[1].profile[0, 0] == pytest.approx(0.1)
    assert chains[1].letters.tolist() == [AMINO_ACIDS.index(letter) for letter in domain.sequence]


def test_at_most_so_many_are_drawn(folder):
    drawn = {read_chains(folder, shortest=50, most=1, seed=seed).names for seed in range(8)}

    assert drawn == {("again.pdb.gz",), ("whole.pdb",)}
    chosen = read_chains(folder, shortest=50, most=1)
    assert len(chosen[0]) == len(chosen.sequences[0]) == 56


def test_a_folder_of_nothing_is_refused(tmp_path):
    with pytest.raises(ValueError, match="there is no structure_db.dat at"):
        read_chains(tmp_path)


def test_a_folder_in_which_nothing_fits_is_refused(folder):
    with pytest.raises(ValueError, match="none of 6 chains at .* fits; the first: again.pdb.gz has 56 residues"):
        read_chains(folder)


@pytest.mark.parametrize("asked", [{"shortest": 5, "longest": 4}, {"shortest": 0}, {"most": 0}])
def test_numbers_that_ask_for_nothing_are_refused(folder, asked):
    with pytest.raises(ValueError, match=r"give 1 <= shortest <= longest|`most` must be at least 1 chain, got 0"):
        read_chains(folder, **asked)
