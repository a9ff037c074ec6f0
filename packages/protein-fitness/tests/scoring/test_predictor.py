"""Scores are what their definition says, computed anew for one mutant at a time in float64."""

import numpy as np
import pytest
import torch

from protein_fitness.amino_acids import AMINO_ACIDS
from protein_fitness.encoders.letters import LetterEncoder
from protein_fitness.encoders.profile import ProfileEncoder
from protein_fitness.model.graph import build_graph
from protein_fitness.mutations import all_singles, parse_mutant
from protein_fitness.protein import make_protein
from protein_fitness.scorers.ensemble import Ensemble
from protein_fitness.scorers.registry import make_scorer
from protein_fitness.scorers.scorer import Scorer
from protein_fitness.scorers.substitution import Blosum62
from protein_fitness.scoring import scene
from protein_fitness.scoring.passes import MODES
from protein_fitness.scoring.predictor import FitnessPredictor
from protein_fitness.surface import cache

TEXTS = ["T53W:D40A:V54K", "T53W", "M1A:E56Q", "D40G:T53F", "T53F:D40A", "D40A", "M1K", "V54K:T53A:D40P"]
MUTANTS = [parse_mutant(text) for text in TEXTS]


def by_hand(model, encoder, protein, mutant, mode):
    """One forward for each site of one mutant, of a structure with all residues of the sequence."""
    sites = [position - 1 for position in mutant.positions]
    total = 0.0
    for one, site in zip(mutant.substitutions, sites, strict=True):
        masked = np.zeros((1, len(protein)), dtype=bool)
        masked[0, {"mask-joint": sites, "mask-single": [site], "wt": []}[mode]] = True
        encoded = encoder.encode(protein, masked)
        known = {"h": encoded.features[0], "encoder_logits": encoded.logits[0]}
        with torch.no_grad():
            logits = model(build_graph(protein.structure.backbone, model.config, **known))[site].double().numpy()
        p = np.exp(logits) / np.exp(logits).sum()
        total += np.log(p[AMINO_ACIDS.index(one.to)]) - np.log(p[AMINO_ACIDS.index(one.wild)])
    return total


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("node_budget", "encoder_logits"), [(1, False), (10_000, False), (10_000, True)])
def test_each_mode_is_its_definition_in_the_order_of_the_list(mode, node_budget, encoder_logits, gb1, network, encoder):
    model = network(encoder_logits=encoder_logits)
    predictor = FitnessPredictor(model, encoder, mode=mode, node_budget=node_budget)
    wanted = [by_hand(model, encoder, gb1, mutant, mode) for mutant in MUTANTS]
    assert np.std(wanted) > 0.1
    np.testing.assert_allclose(predictor.score(gb1, MUTANTS), wanted, atol=1e-5)
    np.testing.assert_allclose(predictor.score(gb1, MUTANTS[::-1]), wanted[::-1], atol=1e-5)


def test_masks_joint_and_single_are_the_same_for_singles_alone(gb1, network, encoder):
    joint, single = (FitnessPredictor(network(), encoder, mode=mode) for mode in MODES[:2])
    singles = all_singles(gb1.sequence)[::7]
    np.testing.assert_allclose(joint.score(gb1, singles), single.score(gb1, singles), atol=1e-5)
    difference = joint.score(gb1, MUTANTS) - single.score(gb1, MUTANTS)
    assert [abs(each) < 1e-5 for each in difference] == [len(mutant) == 1 for mutant in MUTANTS]


@pytest.mark.parametrize(("mode", "copies"), [("mask-joint", 6), ("mask-single", 5), ("wt", 1)])
def test_there_are_no_more_passes_than_the_mode_needs(mode, copies, gb1, network, encoder):
    FitnessPredictor(network(), encoder, mode=mode).score(gb1, MUTANTS)
    assert encoder.copies == copies


def test_the_name_tells_the_mode_that_auto_became(gb1, network, encoder, monkeypatch):
    predictor = FitnessPredictor(network(), encoder)
    assert isinstance(predictor, Scorer)
    assert predictor.name == "s2f:auto"
    predictor.score(gb1, MUTANTS)
    assert predictor.name == "s2f:mask-joint"
    monkeypatch.setattr("protein_fitness.scoring.passes.MOST_SITE_SETS", 3)
    predictor.score(gb1, MUTANTS)
    assert predictor.name == "s2f:wt"


def test_an_ensembles_name_tells_the_mode_of_the_mutants_not_of_the_singles(gb1, network, encoder, monkeypatch):
    monkeypatch.setattr("protein_fitness.scoring.passes.MOST_SITE_SETS", 10)
    both = Ensemble([FitnessPredictor(network(), encoder), Blosum62()])
    assert np.isfinite(both.score(gb1, MUTANTS)).all()
    assert both.name == "s2f:mask-joint+blosum62"


def test_uncertain_residues_take_the_encoders_word(uncertain, gb1, network, encoder):
    predictor = FitnessPredictor(network(), encoder)
    mixed, of_structure = predictor.score(uncertain, MUTANTS), predictor.score(gb1, MUTANTS)
    of_encoder = FitnessPredictor(None, encoder).score(uncertain, MUTANTS)
    # D40 and M1 are uncertain, T53 is not.
    np.testing.assert_allclose(mixed[[1]], of_structure[[1]], atol=1e-6)
    np.testing.assert_allclose(mixed[[5, 6]], of_encoder[[5, 6]], atol=1e-6)
    assert (np.abs(of_structure - of_encoder) > 1e-3).all()
    assert np.abs(mixed[3] - of_structure[3]) > 1e-3
    assert np.abs(mixed[3] - of_encoder[3]) > 1e-3
    weights = f"Weights: {predictor.identity}."
    below = "19 positions have a pLDDT below 70 and are scored by the encoder alone."
    assert predictor.notes(uncertain) == (weights, below)
    assert predictor.notes(gb1) == (weights,)


def test_residues_without_structure_take_the_encoders_word_or_none(gb1, part_of, network, context_encoder):
    protein = make_protein(gb1.sequence, part_of(gb1.structure, range(45)))
    mutants = [parse_mutant(text) for text in ("D40A", "T53W", "T53W:D40A")]
    encoder = context_encoder()
    scores = FitnessPredictor(network(), encoder).score(protein, mutants)
    of_encoder = FitnessPredictor(None, encoder).score(protein, mutants)
    assert abs(scores[0] - of_encoder[0]) > 1e-3
    assert scores[1] == pytest.approx(of_encoder[1], abs=1e-6)
    silent = FitnessPredictor(network(), context_encoder(has_logits=False))
    assert np.isnan(silent.score(protein, mutants)).tolist() == [False, True, True]
    _, note = silent.notes(protein)
    assert note.startswith("11 positions have no CA atom in the structure and are scored by nothing")


@pytest.mark.parametrize("surface", [True, False])
def test_a_protein_without_structure_is_scored_by_the_encoder(surface, gb1, network, encoder):
    bare = make_protein(gb1.sequence)
    predictor, alone = FitnessPredictor(network(surface=surface), encoder), FitnessPredictor(None, encoder)
    assert np.array_equal(predictor.score(bare, MUTANTS), alone.score(bare, MUTANTS))
    assert predictor.notes(bare)[1:] == ("There is no structure, so all mutants are scored by the encoder alone.",)
    assert alone.notes(bare) == ("Weights: context@0.",)
    assert alone.name == "encoder:mask-joint"


@pytest.mark.parametrize("mode", MODES[:2])
@pytest.mark.parametrize(("text", "start"), [("Y33A", 22), ("F30W", 19), ("L5A", 0), ("V54K", 36), ("Y33A:D36G", 24)])
def test_a_window_is_scored_as_the_protein_cut_to_it(mode, text, start, gb1, part_of, network, context_encoder):
    predictor = FitnessPredictor(network(), context_encoder(longest=20), mode=mode)
    whole = FitnessPredictor(network(), context_encoder(), mode=mode)
    mutant = parse_mutant(text)
    score = predictor.score(gb1, [mutant])
    assert abs(whole.score(gb1, [mutant]) - score) > 1e-3
    if len(mutant) > 1 and mode == "mask-single":
        return  # each site has a window of its own
    cut = make_protein(structure=part_of(gb1.structure, range(start, start + 20)))
    np.testing.assert_allclose(score, whole.score(cut, [mutant.shifted(-start)]), atol=1e-5)


def test_without_masks_a_site_is_read_in_the_window_about_its_block(gb1, part_of, network, context_encoder):
    whole = FitnessPredictor(network(), context_encoder(), mode="wt")
    cut = make_protein(structure=part_of(gb1.structure, range(25, 45)))
    found = FitnessPredictor(network(), context_encoder(longest=20), mode="wt").score(gb1, [parse_mutant("Y33A")])
    np.testing.assert_allclose(found, whole.score(cut, [parse_mutant("Y8A")]), atol=1e-5)


@pytest.mark.parametrize("mode", MODES)
def test_windows_that_hold_all_of_a_protein_change_nothing(mode, gb1, network, context_encoder):
    some, none = (FitnessPredictor(network(), context_encoder(longest=each), mode=mode) for each in (56, None))
    assert np.array_equal(some.score(gb1, MUTANTS), none.score(gb1, MUTANTS))


def test_sites_too_far_apart_for_joint_masks_are_scored_by_the_other_modes(gb1, network, context_encoder):
    far = [parse_mutant("M1A:E56Q")]
    joint, single, wild = (FitnessPredictor(network(), context_encoder(longest=20), mode=mode) for mode in MODES)
    with pytest.raises(ValueError, match="the sites 1 and 56 of one mutant lie 55 residues apart"):
        joint.score(gb1, far)
    for one in (single, wild):
        ends = [parse_mutant("M1A"), parse_mutant("E56Q")]
        np.testing.assert_allclose(one.score(gb1, far), one.score(gb1, ends).sum(), atol=1e-5)


def test_with_a_surface_batches_are_as_one_by_one_and_it_is_made_once(gb1, network, encoder, monkeypatch):
    made = []
    make = scene.make_surface
    monkeypatch.setattr(scene, "make_surface", lambda *given, **more: made.append(1) or make(*given, **more))
    predictor = FitnessPredictor(network(surface=True), encoder, node_budget=100_000)
    scores = predictor.score(gb1, MUTANTS)
    predictor.node_budget = 1
    np.testing.assert_allclose(predictor.score(gb1, MUTANTS), scores, atol=1e-5)
    np.testing.assert_allclose(predictor.score(gb1, MUTANTS[3:4]), scores[3:4], atol=1e-5)
    assert len(made) == 1
    assert predictor.name == "s3f:mask-joint"
    predictor.encoder.longest = 20
    assert np.isfinite(predictor.score(gb1, MUTANTS[3:])).all()


def test_a_surface_is_taken_from_its_folder_and_scores_are_the_same_bit_for_bit(
    gb1, network, encoder, tmp_path, monkeypatch
):
    def refuse(*given, **more):
        raise AssertionError("a surface is made")

    model = network(surface=True)
    fresh = FitnessPredictor(model, encoder).score(gb1, MUTANTS)
    first = FitnessPredictor(model, encoder, surfaces=tmp_path / "kept").score(gb1, MUTANTS)
    assert len(list((tmp_path / "kept").glob("*.npz"))) == 1
    monkeypatch.setattr(scene, "make_surface", refuse)
    monkeypatch.setattr(cache, "make_surface", refuse)
    with pytest.raises(AssertionError, match="a surface is made"):
        FitnessPredictor(model, encoder).score(gb1, MUTANTS)
    again = FitnessPredictor(model, encoder, surfaces=tmp_path / "kept").score(gb1, MUTANTS)
    assert np.array_equal(first, fresh)
    assert np.array_equal(again, fresh)


def test_a_scorer_made_by_name_keeps_surfaces_too(gb1, network, tmp_path):
    predictor = FitnessPredictor(network(surface=True, encoder_width=21), LetterEncoder())
    predictor.save_pretrained(tmp_path / "model")
    scorer = make_scorer(f"{tmp_path / 'model'}+blosum62", mode="wt", surfaces=tmp_path / "kept")
    assert np.isfinite(scorer.score(gb1, MUTANTS[:2])).all()
    assert len(list((tmp_path / "kept").glob("*.npz"))) == 1


def test_no_mutant_has_no_score_and_a_wrong_one_is_refused(gb1, network, encoder):
    predictor = FitnessPredictor(network(), encoder)
    assert predictor.score(gb1, []).shape == (0,)
    with pytest.raises(ValueError, match="mutant 'A1G' says A at position 1, where the sequence has M"):
        predictor.score(gb1, [parse_mutant("A1G")])


def test_a_saved_predictor_comes_back_with_the_same_scores(gb1, network, encoder, tmp_path):
    predictor = FitnessPredictor(network(), encoder)
    predictor.save_pretrained(tmp_path)
    back = FitnessPredictor.from_pretrained(tmp_path, encoder=encoder, device="cpu")
    assert np.array_equal(back.score(gb1, MUTANTS), predictor.score(gb1, MUTANTS))
    assert back.identity == predictor.identity
    assert back.identity.endswith(" on context@0")
    encoder.fingerprint = "1"
    with pytest.raises(ValueError, match="saved with the encoder context@0 and this one is context@1; give the one"):
        FitnessPredictor.from_pretrained(tmp_path, encoder=encoder)


def test_what_cannot_be_loaded_saved_or_joined_is_said(network, encoder, context_encoder, tmp_path):
    with pytest.raises(ValueError, match="has no config.json; give a folder that `save_pretrained` wrote"):
        FitnessPredictor.from_pretrained(tmp_path)
    with pytest.raises(ValueError, match="there is no network to save, only the encoder context"):
        FitnessPredictor(None, encoder).save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="reads features of width 41 and context gives 12; give the encoder that it"):
        FitnessPredictor(network(encoder_width=41), encoder)
    with pytest.raises(ValueError, match="adds its encoder's logits to its own and context has none; give the encoder"):
        FitnessPredictor(network(encoder_logits=True), context_encoder(has_logits=False))
    with pytest.raises(ValueError, match="`node_budget` must be at least 1, got 0"):
        FitnessPredictor(None, encoder, node_budget=0)
    with pytest.raises(ValueError, match="`mode` must be auto"):
        FitnessPredictor(None, encoder, mode="marginal")


def test_a_folder_is_a_scorers_name_alone_and_in_an_ensemble(gb1, network, tmp_path):
    profile = np.random.default_rng(0).dirichlet(np.ones(20), len(gb1))
    protein = make_protein(structure=gb1.structure, profile=profile)
    predictor = FitnessPredictor(network(encoder_width=41), ProfileEncoder())
    predictor.save_pretrained(tmp_path)
    assert np.array_equal(make_scorer(str(tmp_path)).score(protein, MUTANTS), predictor.score(protein, MUTANTS))
    unmasked = FitnessPredictor(predictor.model, predictor.encoder, mode="wt").score(protein, MUTANTS)
    assert np.array_equal(make_scorer(str(tmp_path), mode="wt").score(protein, MUTANTS), unmasked)
    both = make_scorer(f"{tmp_path}+blosum62")
    wanted = Ensemble([predictor, Blosum62()])
    assert np.array_equal(both.score(protein, MUTANTS), wanted.score(protein, MUTANTS))
    assert both.name == "s2f:mask-joint+blosum62"
    assert both.notes(protein) == predictor.notes(protein) == (f"Weights: {predictor.identity}.",)
