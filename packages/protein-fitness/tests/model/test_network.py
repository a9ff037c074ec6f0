"""What turns, moves, mirrors or reorders a protein changes nothing, and a point's features reach whom they should."""

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation
from torch_geometric.data import Batch

from protein_fitness.model.config import S3FConfig
from protein_fitness.model.graph import POINT_EDGES, POINTS_OF_RESIDUE, RESIDUE_EDGES, RESIDUES_OF_POINT
from protein_fitness.model.network import FitnessNetwork
from protein_fitness.model.residue_encoder import ResidueEncoder
from protein_fitness.model.surface_encoder import SurfaceEncoder

KINDS = pytest.mark.parametrize("settings", [{"surface": False}, {}, {"surface_pooling": "global"}])
DOUBLE = torch.float64


def moved(graph, turn, shift=0.0):
    graph = graph.clone()
    for kind in graph.node_types:
        graph[kind].pos = graph[kind].pos @ turn.T.to(graph[kind].pos) + shift
    return graph


def doubled(graph):
    return graph.apply(lambda values: values.double() if values.is_floating_point() else values)


@KINDS
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (DOUBLE, 1e-9)])
def test_turning_and_moving_a_protein_changes_nothing(settings, dtype, tolerance, backbone, small_graph, small_model):
    model, graph = small_model(**settings).to(dtype), small_graph(backbone, **settings)
    graph = doubled(graph) if dtype == DOUBLE else graph
    before = model(graph)
    assert before.std() > 0.1
    for seed in range(3):
        turn = torch.from_numpy(Rotation.random(random_state=seed).as_matrix())
        torch.testing.assert_close(model(moved(graph, turn, 7.0)), before, atol=tolerance, rtol=0)
    squeezed = model(moved(graph, 0.9 * torch.eye(3)))
    assert (squeezed - before).abs().max() > 1e-3


@KINDS
def test_a_mirrored_protein_gives_the_same_bits(settings, backbone, small_graph, small_model):
    model, graph = small_model(**settings), small_graph(backbone, **settings)
    assert torch.equal(model(moved(graph, torch.diag(torch.tensor([-1.0, 1, 1])))), model(graph))


def test_turning_the_structure_before_its_graph_is_built_changes_nothing(backbone, small_graph, small_model):
    turned = backbone @ Rotation.random(random_state=0).as_matrix().T + 5
    model = small_model(surface=False)
    before, after = (model(small_graph(each, surface=False)) for each in (backbone, turned))
    torch.testing.assert_close(after, before, atol=1e-5, rtol=0)


@KINDS
def test_the_same_input_gives_the_same_bits(settings, backbone, small_graph, small_model):
    model, graph = small_model(**settings), small_graph(backbone, **settings)
    assert torch.equal(model(graph), model(graph))


@KINDS
def test_the_order_of_residues_points_and_edges_is_only_an_order(settings, backbone, small_graph, small_model):
    model, graph = small_model(**settings).double(), doubled(small_graph(backbone, **settings))
    generator = torch.Generator().manual_seed(0)
    orders = {kind: torch.randperm(graph[kind].num_nodes, generator=generator) for kind in graph.node_types}
    shuffled = graph.clone()
    for kind, order in orders.items():
        for name, values in graph[kind].items():
            shuffled[kind][name] = values[order]
    for kind in graph.edge_types:
        rows = [orders[node].argsort()[row] for node, row in zip(kind[::2], graph[kind].edge_index, strict=True)]
        shuffled[kind].edge_index = torch.stack(rows)[:, torch.randperm(len(rows[0]), generator=generator)]
    torch.testing.assert_close(model(shuffled), model(graph)[orders["residue"]], atol=1e-10, rtol=0)


@pytest.mark.parametrize("surface", [True, False])
def test_a_protein_in_a_batch_is_as_if_alone(surface, backbone, small_graph, small_model):
    model = small_model(surface=surface).double()
    graphs = [doubled(small_graph(backbone[start:], start, surface=surface)) for start in (0, 10, 30)]
    alone = torch.cat([model(graph) for graph in graphs])
    torch.testing.assert_close(model(Batch.from_data_list(graphs)), alone, atol=1e-10, rtol=0)
    torch.testing.assert_close(model(Batch.from_data_list(graphs[:1])), model(graphs[0]), atol=0, rtol=0)


def reached(graph, point, rounds):
    """Points that a point's features have come to after some rounds of messages."""
    found = {point}
    for _ in range(rounds):
        found |= {target for source, target in graph[POINT_EDGES].edge_index.T.tolist() if source in found}
    return found


@pytest.mark.parametrize("residue", [0, 20, 55])
def test_a_points_features_reach_the_residues_that_read_it_and_no_other(residue, backbone, small_graph, small_model):
    graph, model = small_graph(backbone), small_model(num_layers=1)
    point = dict(graph[POINTS_OF_RESIDUE].edge_index.T.tolist())[residue]
    changed = graph.clone()
    changed["point"].feat = graph["point"].feat.clone()
    changed["point"].feat[point] += 3
    difference = (model.features(changed) - model.features(graph)).abs().amax(-1)
    points = reached(graph, point, 1)
    readers = {one for one, read in graph[POINTS_OF_RESIDUE].edge_index.T.tolist() if read in points}
    assert residue in readers
    assert len(readers) < 20
    assert set(difference.nonzero()[:, 0].tolist()) == readers


def test_under_global_pooling_a_points_features_reach_all_residues_alike(backbone, small_graph, small_model):
    graph, model = small_graph(backbone), small_model(surface_pooling="global").double()
    graph = doubled(graph)
    changed = graph.clone()
    changed["point"].feat = graph["point"].feat.clone()
    changed["point"].feat[100] += 3
    difference = model.features(changed) - model.features(graph)
    assert difference.abs().amax() > 1e-4
    torch.testing.assert_close(difference, difference[:1].expand_as(difference), atol=1e-12, rtol=0)


def test_which_points_a_residue_reads_matters_under_local_pooling_alone(backbone, small_graph, small_model):
    graph = small_graph(backbone)
    other = graph.clone()
    residue, point = graph[POINTS_OF_RESIDUE].edge_index
    other[POINTS_OF_RESIDUE].edge_index = torch.stack([residue, point.flip(0)])
    local, everywhere = small_model(), small_model(surface_pooling="global")
    assert (local(other) - local(graph)).abs().amax(-1).gt(1e-4).float().mean() > 0.9
    assert torch.equal(everywhere(other), everywhere(graph))


def test_pooled_features_are_the_mean_of_the_points_read(backbone, small_graph, small_model):
    graph, network = doubled(small_graph(backbone)), small_model().double().network
    h, ca = graph["residue"].h, graph["residue"].pos
    points = network.surface(
        h,
        ca,
        graph["point"].pos,
        graph["point"].feat,
        *(graph[kind].edge_index for kind in (POINT_EDGES, RESIDUES_OF_POINT)),
    )
    alone = network.residues(h, ca, graph[RESIDUE_EDGES].edge_index)
    found = network.features(graph)
    for residue in (0, 20, 55):
        read = [place for one, place in graph[POINTS_OF_RESIDUE].edge_index.T.tolist() if one == residue]
        assert len(read) == 9
        torch.testing.assert_close(found[residue], alone[residue] + sum(points[each] for each in read) / 9)


def test_a_point_starts_from_the_mean_over_its_residues_of_a_map_of_each(backbone, small_graph, small_model):
    graph, encoder = doubled(small_graph(backbone)), small_model().double().network.surface
    starts = []
    encoder.combine.register_forward_pre_hook(lambda _, inputs: starts.append(inputs[0]))
    h, ca, points, shape = graph["residue"].h, graph["residue"].pos, graph["point"].pos, graph["point"].feat
    encoder(h, ca, points, shape, graph[POINT_EDGES].edge_index, graph[RESIDUES_OF_POINT].edge_index)
    for point in (0, 57, 200):
        distances = np.linalg.norm(points[point] - ca, axis=1)
        near = [encoder.inherit(torch.cat([h[one], torch.tensor([distances[one]])])) for one in distances.argsort()[:3]]
        torch.testing.assert_close(starts[0][point], torch.cat([sum(near) / 3, shape[point]]))


@KINDS
def test_a_residue_far_from_all_is_as_if_alone_and_gradients_are_finite(settings, backbone, small_graph, small_model):
    far = backbone.copy()
    far[0] += 1000
    model, graph = small_model(**settings), small_graph(far, **settings)
    logits = model.train()(graph)
    assert logits.isfinite().all()
    logits.square().sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
    if settings.get("surface", True):
        return
    alone = small_graph(far[:1], **settings)
    alone["residue"].h = graph["residue"].h[:1]
    model.eval()
    torch.testing.assert_close(model(graph)[:1], model(alone), atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"surface": False}, 6_638_188),
        ({"surface": False, "encoder_width": 320}, 4_854_508),
        ({}, 19_942_596),
    ],
)
def test_there_are_as_many_parameters_as_in_the_papers_networks(settings, expected):
    with torch.device("meta"):
        network = FitnessNetwork(S3FConfig(**settings))
    assert sum(parameter.numel() for parameter in network.parameters()) == expected
    assert isinstance(network.residues, ResidueEncoder)
    assert isinstance(network.surface, SurfaceEncoder) == settings.get("surface", True)


def test_a_graph_that_lacks_what_the_network_reads_is_refused(backbone, small_graph, small_model):
    graph, model = small_graph(backbone), small_model()
    with pytest.raises(ValueError, match="`h` of width 12 and the network reads 9; encode the sequence with facebook"):
        small_model(encoder_width=9)(graph)
    with pytest.raises(ValueError, match="points have 5 features and the network reads 7; build the surface"):
        small_model(point_features=7)(graph)
    with pytest.raises(ValueError, match="the graph has no surface; build it with `surface`, or use a network"):
        model(small_graph(backbone, surface=False))
    del graph["residue"].h
    with pytest.raises(ValueError, match="residues have no `h`; set it to what the language model gives"):
        model(graph)


def test_an_encoders_logits_are_added_to_the_networks_own(backbone, small_graph, small_model):
    graph, model = small_graph(backbone), small_model()
    own = model(graph)
    model.config.encoder_logits = True
    with pytest.raises(ValueError, match="residues have no `encoder_logits`; set it to the encoder's logits, which"):
        model(graph)
    graph["residue"].encoder_logits = torch.randn(own.shape, generator=torch.Generator().manual_seed(5))

    assert torch.equal(model(graph), own + graph["residue"].encoder_logits)
