"""What is missing or wrong is said in a sentence, with what to do about it."""

import importlib.metadata
import json
import subprocess
import sys
from functools import cache

import pytest

from gpu_commons.doctor_contract import DoctorContract
from gpu_commons.findings import Finding
from gpu_commons.testing import hide_distributions
from protein_fitness.cli import main
from protein_fitness.doctor import EXTRAS, examine
from protein_fitness.examples import DATA
from protein_fitness.scorers.registry import SCORERS

pytestmark = pytest.mark.usefixtures("shipped_network")
PROFILE = str(DATA / "1pga.profile.csv")


class TestContract(DoctorContract):
    package, main, extras = "protein-fitness", staticmethod(main), EXTRAS
    needed = "biotite"
    unusable = ("--structure", "no-such-thing.pdb")


def findings(**asked):
    """By name; of one's own files alone."""
    return {finding.what: finding for finding in examine(**asked)[_without_own_files() :]}


@cache
def _without_own_files():
    """How many findings there are; a matter of seconds."""
    return len(examine())


@pytest.fixture
def renumbered(gb1_file, tmp_path):
    """1PGA whose residues count from 21, with the CA of the thirtieth left out."""
    lines = [line for line in gb1_file.read_text().splitlines() if line.startswith("ATOM")]
    path = tmp_path / "renumbered.pdb"
    path.write_text(
        "\n".join(
            f"{line[:22]}{int(line[22:26]) + 20:4d}{line[26:]}"
            for line in lines
            if not (line[22:26] == "  30" and line[12:16] == " CA ")
        )
    )
    return str(path)


def test_a_whole_installation_has_nothing_to_do():
    found = examine()

    assert [finding for finding in found if finding.advice and not finding.advice.startswith("if you want them")] == []
    by_name = {finding.what.strip(): finding.found for finding in found}
    assert by_name["torch"] == importlib.metadata.version("torch")
    assert by_name["device"].split()[0] in ("cpu", "cuda", "mps")
    assert by_name["protein G's domain B1"] == "56 residues with homologues"
    assert by_name["s2f"] == by_name["accessibility"] == "scores 1064 of 1064 mutants"


def test_a_scorer_whose_package_is_optional_asks_for_nothing(monkeypatch):
    def absent(*of, **known):
        raise ImportError("protein_mpnn needs a package: pip install it")

    monkeypatch.setitem(SCORERS, "protein_mpnn", absent)

    (found,) = (finding for finding in examine() if finding.what.strip() == "protein_mpnn")

    assert found == Finding("  protein_mpnn", "not here (protein_mpnn needs a package: pip install it)")


def test_what_is_for_some_only_is_told_with_its_pip_line(monkeypatch):
    hide_distributions(monkeypatch, "ray")
    found = {finding.what: finding for finding in examine()}

    assert found["[ray]"].found == "ray not installed; only for benchmarks on a cluster"
    assert found["[ray]"].advice == 'if you want them: pip install "protein-fitness[ray]"'
    assert "  s2f" in found


def test_looking_for_packages_imports_none_of_them():
    script = (
        "import sys, protein_fitness.doctor; print(sorted({'torch', 'biotite', 'transformers'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"


def test_a_network_that_is_cut_off_is_told(shipped_network):
    file = shipped_network / "model.safetensors"
    file.write_bytes(file.read_bytes()[:1000])

    found = {finding.what.strip(): finding for finding in examine()}

    assert found["s2f"].found == "cannot be used"
    assert "model.safetensors cannot be read" in found["s2f"].advice
    assert not found["accessibility"].advice


def test_a_structure_that_is_not_there_is_told_and_the_rest_looked_at(gb1):
    found = findings(structure="none.pdb", sequence=gb1.sequence)

    assert found["structure"].advice == "there is no structure file none.pdb; check the path."
    assert found["sequence"].found == "56 residues"
    assert found["  blosum62"].found == "scores 1064 of 1064 mutants"
    assert "reads a structure and the protein has none" in found["  accessibility"].advice


def test_own_files_are_read_with_numbering_and_what_is_left_out(renumbered, gb1):
    found = findings(structure=renumbered, sequence=gb1.sequence, alignment=PROFILE)

    assert found["structure"].found == "renumbered.pdb, chain 'A', 55 residues, numbered 21 to 76"
    assert found["numbering"].found == "the structure's residue 21 is position 1 of the sequence"
    assert found["numbering"].advice == "for mutants with the structure's numbers, give --offset 20"
    assert any("Left out for want of CA" in finding.found for finding in examine(structure=renumbered))
    assert found["  accessibility"].found == f"scores {55 * 19} of 1064 mutants"
    assert found["  s2f"].found == "scores 1064 of 1064 mutants"


def test_numbers_that_are_positions_need_no_offset(gb1_file):
    found = findings(structure=str(gb1_file))

    assert found["numbering"].found == "the structure's residue numbers are positions in the sequence"
    assert not found["numbering"].advice


def test_a_chain_without_a_residue_in_the_numbering_has_no_one_offset(renumbered):
    found = findings(structure=renumbered)

    assert found["numbering"].advice == "number mutants by position in the sequence"


@pytest.mark.parametrize(
    ("asked", "what", "advice"),
    [
        ({"chain": "B"}, "structure", "has no chain 'B'; it has 'A'"),
        ({"sequence": "MB"}, "sequence", "sequence has 'B' at position 2; use "),
        ({"sequence": "W" * 56}, "together", "check that they are the same protein"),
        ({"alignment": PROFILE, "sequence": "MTYKLILNGK"}, "alignment", "has 56 positions and the sequence 10"),
    ],
)
def test_what_does_not_fit_is_one_sentence(asked, what, advice, gb1_file):
    found = findings(structure=str(gb1_file), **asked)

    assert found[what].found == "cannot be used"
    assert advice in found[what].advice


def test_an_alignment_alone_needs_a_sequence():
    assert findings(alignment=PROFILE)["alignment"].advice == "give the sequence, or a structure that can be read"


def test_the_command_prints_findings_and_a_file_that_cannot_be_used_is_exit_code_one(capsys):
    assert main(["doctor", "--structure", "none.pdb", "--json", "true"]) == 1

    rows = json.loads(capsys.readouterr().out)
    assert rows[-1] == {
        "what": "structure",
        "found": "cannot be used",
        "advice": "there is no structure file none.pdb; check the path.",
        "blocking": True,
    }


def test_the_command_ends_well_where_files_can_be_used(gb1_file, capsys):
    assert main(["doctor", "--structure", str(gb1_file)]) == 0
    assert "56 residues, numbered 1 to 56" in capsys.readouterr().out
