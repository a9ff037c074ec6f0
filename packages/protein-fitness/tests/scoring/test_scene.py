"""Structure and surface lie along the sequence and are cut together."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.spatial import cKDTree

from protein_fitness.model.graph import POINTS_OF_RESIDUE, RESIDUE_EDGES
from protein_fitness.protein import make_protein
from protein_fitness.scoring.scene import Scene


def test_a_chain_without_some_of_the_sequences_residues_has_nodes_at_the_others(gb1, part_of, network):
    protein = make_protein(gb1.sequence, part_of(gb1.structure, range(5, 50)))
    scene = Scene(protein, network().config)
    assert np.flatnonzero(scene.known).tolist() == list(range(5, 50))
    graph = scene.graph(range(56))
    assert graph["residue"].place.tolist() == list(range(5, 50))
    assert np.allclose(graph["residue"].pos, gb1.structure.backbone[5:50, 1], atol=1e-4)


def test_residues_that_are_not_of_the_sequence_are_no_nodes(gb1, network):
    scene = Scene(make_protein(gb1.sequence[10:], gb1.structure), network().config)
    assert np.array_equal(scene.backbone, gb1.structure.backbone[10:])


def test_only_residues_that_are_certain_enough_are_trusted(uncertain, gb1, network):
    scene = Scene(uncertain, network().config)
    assert scene.known.all()
    assert np.array_equal(~scene.trusted, np.arange(56) % 3 == 0)
    assert Scene(uncertain, network(plddt_threshold=50).config).trusted.all()
    assert Scene(gb1, network(plddt_threshold=100).config).trusted.all()


def test_a_windows_graph_is_that_of_the_chain_cut(gb1, part_of, network):
    config, window = network().config, range(12, 40)
    found = Scene(gb1, config).graph(window)
    wanted = Scene(make_protein(structure=part_of(gb1.structure, window)), config).graph(range(28))
    assert found["residue"].place.tolist() == list(range(28))
    assert torch.equal(found["residue"].pos, wanted["residue"].pos)
    assert torch.equal(found[RESIDUE_EDGES].edge_index, wanted[RESIDUE_EDGES].edge_index)


def test_a_window_without_structure_has_no_graph(gb1, part_of, network):
    scene = Scene(make_protein(gb1.sequence, part_of(gb1.structure, range(20, 56))), network().config)
    assert scene.graph(range(20)) is None
    assert Scene(make_protein(gb1.sequence), network(surface=True).config).graph(range(56)) is None


def test_a_windows_surface_is_what_its_residues_read(gb1, network):
    scene = Scene(gb1, network(surface=True).config)
    whole, part = scene.graph(range(56)), scene.graph(range(12, 30))
    assert torch.equal(whole["point"].pos, scene.surface.points)
    atoms = gb1.structure.backbone[12:30].reshape(-1, 3)
    _, near = cKDTree(scene.surface.points.numpy()).query(atoms, 21)
    kept = np.unique(near)
    assert 21 < len(kept) < len(scene.surface)
    assert torch.equal(part["point"].pos, scene.surface.points[kept])
    assert torch.equal(part["point"].feat, scene.surface.features[kept])
    # Residues read the same points as in the whole, by place.
    residue, point = part[POINTS_OF_RESIDUE].edge_index
    all_residues, all_points = whole[POINTS_OF_RESIDUE].edge_index
    inside = (all_residues >= 12) & (all_residues < 30)
    assert torch.equal(part["point"].pos[point], whole["point"].pos[all_points[inside]])
    assert torch.equal(residue + 12, all_residues[inside])


def test_a_chain_too_small_for_a_surface_is_refused(gb1, network):
    bare = np.full_like(gb1.structure.backbone, np.nan)
    bare[0, 1] = 0
    protein = make_protein(structure=replace(gb1.structure, backbone=bare))
    with pytest.raises(ValueError, match="has 1 of N, CA and C, too few for a surface"):
        Scene(protein, network(surface=True).config)
