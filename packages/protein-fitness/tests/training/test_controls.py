import numpy as np
import pytest
import torch

from protein_fitness.model.config import S3FConfig
from protein_fitness.model.graph import RESIDUE_EDGES, build_graph
from protein_fitness.training.controls import (
    CONTROLS,
    permuted_surface,
    random_edges,
    sequence_only,
    shuffled_structure,
    structure_only,
)


@pytest.fixture
def graph(domain):
    draws = np.random.default_rng(0)
    count = len(domain)
    return build_graph(
        domain.backbone,
        S3FConfig(surface=False, encoder_width=3),
        h=draws.normal(size=(count, 3)),
        y=draws.integers(20, size=count),
        mask=draws.random(count) < 0.2,
    )


def _draws():
    return np.random.default_rng(7)


def _rest(graph, *changed):
    return {name: values for name, values in graph["residue"].items() if name not in changed}


def _same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_sequence_only_has_no_edges(graph):
    changed = sequence_only(graph, _draws())

    assert changed[RESIDUE_EDGES].edge_index.shape == (2, 0)
    assert _same(_rest(changed), _rest(graph))


def test_sequence_only_is_refused_with_a_surface(graph):
    graph["point"].pos = torch.zeros(1, 3)

    with pytest.raises(ValueError, match='the control "sequence-only" has no structure; train it with `surface=False`'):
        sequence_only(graph, _draws())


def test_a_permuted_surface_has_the_same_shapes_elsewhere(graph):
    with pytest.raises(ValueError, match='the control "permuted-surface" has no surface to permute; train it with'):
        permuted_surface(graph, _draws())
    graph["point"].pos = torch.randn(30, 3)
    graph["point"].feat = torch.randn(30, 5)

    changed = permuted_surface(graph, _draws())

    assert torch.equal(changed["point"].pos, graph["point"].pos)
    assert not torch.equal(changed["point"].feat, graph["point"].feat)
    assert torch.equal(changed["point"].feat.sort(0).values, graph["point"].feat.sort(0).values)
    assert _same(_rest(changed), _rest(graph))


def test_structure_only_knows_what_is_hidden(graph):
    graph["residue"].encoder_logits = torch.ones(len(graph["residue"].h), 20)
    changed = structure_only(graph, _draws())

    assert not changed["residue"].encoder_logits.any()
    assert not changed["residue"].h[:, :-1].any()
    assert torch.equal(changed["residue"].h[:, -1], graph["residue"].h[:, -1])
    assert _same(_rest(changed, "h", "encoder_logits"), _rest(graph, "h", "encoder_logits"))
    assert torch.equal(changed[RESIDUE_EDGES].edge_index, graph[RESIDUE_EDGES].edge_index)


def test_shuffled_structure_moves_residues_with_all_they_have(graph):
    changed = shuffled_structure(graph, _draws())

    order = changed["residue"].place
    assert sorted(order.tolist()) == list(range(56))
    assert order.tolist() != list(range(56))
    for name in ("h", "y", "mask"):
        assert torch.equal(changed["residue"][name], graph["residue"][name][order])
    assert torch.equal(changed["residue"].pos, graph["residue"].pos)
    assert torch.equal(changed[RESIDUE_EDGES].edge_index, graph[RESIDUE_EDGES].edge_index)


def test_random_edges_are_as_many_and_distinct(graph):
    changed = random_edges(graph, _draws())

    source, target = changed[RESIDUE_EDGES].edge_index
    pairs = set(zip(source.tolist(), target.tolist(), strict=True))
    assert len(pairs) == graph[RESIDUE_EDGES].num_edges
    assert not (source == target).any()
    assert {residue for pair in pairs for residue in pair} == set(range(56))
    assert _same(_rest(changed), _rest(graph))


@pytest.mark.parametrize("control", CONTROLS.values(), ids=CONTROLS)
def test_a_control_leaves_the_graph_as_it_was(graph, control):
    if control is permuted_surface:
        graph["point"].feat = torch.randn(30, 5)
    before = graph.clone()

    control(graph, _draws())

    assert _same(_rest(graph), _rest(before))
    assert torch.equal(graph[RESIDUE_EDGES].edge_index, before[RESIDUE_EDGES].edge_index)
    assert all(torch.equal(values, before["point"][name]) for name, values in graph["point"].items())
