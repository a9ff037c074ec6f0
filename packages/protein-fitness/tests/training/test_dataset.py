import numpy as np
import pytest
import torch

from protein_fitness.amino_acids import AMINO_ACIDS
from protein_fitness.model.config import S3FConfig
from protein_fitness.model.graph import build_graph
from protein_fitness.protein import make_protein
from protein_fitness.training import dataset as module
from protein_fitness.training.controls import shuffled_structure
from protein_fitness.training.dataset import EvaluationChains, MaskedChains
from protein_fitness.training.features import FEATURES

WIDTH = {name: kind.encoder.width for name, kind in FEATURES.items()}


def _config(kind, **more):
    return S3FConfig(**{"surface": False, "encoder_width": WIDTH[kind], **more})


@pytest.fixture
def same_digest(monkeypatch):
    """Chains that differ by letters draw the same residues."""
    drawn = module.draws_of
    monkeypatch.setattr(module, "draws_of", lambda seed, epoch, digest: drawn(seed, epoch, "0" * 64))


@pytest.mark.parametrize("kind", FEATURES)
def test_the_letter_of_a_hidden_residue_changes_nothing_but_y(chains_of, domain, same_digest, kind):
    first = EvaluationChains(chains_of([domain.sequence]), [0], _config(kind), FEATURES[kind].of)[0, 0]
    for place in first["residue"].mask.nonzero().flatten().tolist():
        letter = AMINO_ACIDS[(int(first["residue"].y[place]) + 1) % 20]
        sequence = domain.sequence[:place] + letter + domain.sequence[place + 1 :]

        other = EvaluationChains(chains_of([sequence]), [0], _config(kind), FEATURES[kind].of)[0, 0]

        one, two = first.to_dict(), other.to_dict()
        assert (one["residue"].pop("y") != two["residue"].pop("y")).nonzero().flatten().tolist() == [place]
        assert one.keys() == two.keys()
        for store in one.keys() - {"_global_store"}:
            assert one[store].keys() == two[store].keys()
            assert all(torch.equal(one[store][name], two[store][name]) for name in one[store])


def test_an_encoders_logits_are_those_that_it_scores_with(chains_of, domain):
    chains = chains_of([domain.sequence])
    config = _config("profile", encoder_logits=True)

    residues = MaskedChains(chains, [0], config, FEATURES["profile"].of)[0, 0]["residue"]

    protein = make_protein(domain.sequence, profile=chains[0].profile)
    encoded = FEATURES["profile"].encoder().encode(protein, residues.mask.numpy()[None])
    assert torch.equal(residues.encoder_logits, encoded.logits[0])


def test_training_hides_fresh_residues_each_epoch(chains_of, domain):
    examples = MaskedChains(chains_of([domain.sequence]), [0], _config("letters"), FEATURES["letters"].of)

    masks = [examples[epoch, 0]["residue"].mask for epoch in (0, 0, 1)]

    assert torch.equal(masks[0], masks[1])
    assert not torch.equal(masks[0], masks[2])
    assert all(mask.sum() == 8 for mask in masks)  # 15 % of 56
    assert torch.equal(
        EvaluationChains(examples.chains, [0], examples.config, examples.features)[0, 0]["residue"].mask, masks[0]
    )


def test_what_training_shows_follows_its_masks(chains_of, domain):
    examples = MaskedChains(chains_of([domain.sequence]), [0], _config("letters"), FEATURES["letters"].of)

    shown, hidden, total = 0, 0, 0
    for epoch in range(60):
        residues = examples[epoch, 0]["residue"]
        own = residues.h[:, :20].argmax(-1) == residues.y
        assert own[~residues.mask].all()
        assert not residues.h[~residues.mask, 20].any()
        is_hidden = residues.h[:, 20] == 1
        assert not residues.h[is_hidden, :20].any()
        total += int(residues.mask.sum())
        hidden += int(is_hidden.sum())
        shown += int((own & ~is_hidden & residues.mask).sum())

    # 480 draws: standard errors are 0.018 and 0.014.
    assert hidden / total == pytest.approx(0.8, abs=0.06)
    assert shown / total == pytest.approx(0.105, abs=0.05)


def test_a_long_chain_is_seen_in_parts(chains_of, domain, monkeypatch):
    monkeypatch.setattr(module, "LONGEST", 30)
    examples = MaskedChains(chains_of([domain.sequence]), [0], _config("letters"), FEATURES["letters"].of)
    letters = np.array([AMINO_ACIDS.index(letter) for letter in domain.sequence])

    starts = set()
    for epoch in range(20):
        graph = examples[epoch, 0]
        (start,) = (
            place for place in range(27) if np.array_equal(letters[place : place + 30], graph["residue"].y.numpy())
        )
        assert np.allclose(graph["residue"].pos, domain.backbone[start : start + 30, 1])
        starts.add(start)

    assert examples.sizes() == [30]
    assert len(starts) > 5


def test_a_control_changes_a_chain_the_same_way_in_all_epochs(chains_of, domain):
    examples = MaskedChains(
        chains_of([domain.sequence]), [0], _config("letters"), FEATURES["letters"].of, control=shuffled_structure
    )

    orders = [examples[epoch, 0]["residue"].place for epoch in (0, 1)]

    assert torch.equal(*orders)
    assert orders[0].tolist() != list(range(56))


def test_surfaces_are_kept_and_cropped(chains_of, domain, tmp_path, monkeypatch):
    config = _config("letters", surface=True, points_read_per_atom=3, surface_settings={"points_per_atom": 4})
    chains = chains_of([domain.sequence])
    whole = MaskedChains(chains, [0], config, FEATURES["letters"].of, surfaces=tmp_path)[0, 0]
    monkeypatch.setattr(module, "LONGEST", 12)

    part = MaskedChains(chains, [0], config, FEATURES["letters"].of, surfaces=tmp_path)[0, 0]

    assert len(list(tmp_path.glob("*.npz"))) == 1
    assert 0 < part["point"].num_nodes < whole["point"].num_nodes
    points = {tuple(point) for point in whole["point"].pos.tolist()}
    assert {tuple(point) for point in part["point"].pos.tolist()} <= points


@pytest.mark.parametrize("surface", [False, True])
def test_the_graph_of_a_whole_chain_is_built_once(chains_of, domain, tmp_path, monkeypatch, surface):
    config = _config("letters", surface=surface, surface_settings={"points_per_atom": 4})
    chains, known = chains_of([domain.sequence]), {"surfaces": tmp_path, "control": shuffled_structure}
    examples = MaskedChains(chains, [0], config, FEATURES["letters"].of, **known)
    examples[0, 0]
    anew = MaskedChains(chains, [0], config, FEATURES["letters"].of, **known)[1, 0].to_dict()
    monkeypatch.setattr(module, "build_graph", None)

    kept = examples[1, 0].to_dict()

    assert kept.keys() == anew.keys()
    for store in anew.keys() - {"_global_store"}:
        assert kept[store].keys() == anew[store].keys()
        assert all(torch.equal(kept[store][name], anew[store][name]) for name in anew[store])


def test_no_more_graphs_are_kept_than_memory_is_meant_for(chains_of, domain, monkeypatch):
    monkeypatch.setattr(module, "KEPT", 1)
    examples = MaskedChains(chains_of([domain.sequence] * 2), [0, 1], _config("letters"), FEATURES["letters"].of)
    examples[0, 0], examples[0, 1]
    built = []
    monkeypatch.setattr(module, "build_graph", lambda *of, **known: built.append(of) or build_graph(*of, **known))

    examples[1, 0], examples[1, 1]

    assert len(built) == 1


def test_a_surface_without_a_folder_is_refused(chains_of):
    with pytest.raises(ValueError, match="the network reads surfaces; give `surfaces`, the folder"):
        MaskedChains(chains_of(["ACD"]), [0], _config("letters", surface=True), FEATURES["letters"].of)


def test_no_chain_is_refused(chains_of):
    with pytest.raises(ValueError, match="there is no chain to predict residues of; give at least one"):
        MaskedChains(chains_of(["ACD"]), [], _config("letters"), FEATURES["letters"].of)
