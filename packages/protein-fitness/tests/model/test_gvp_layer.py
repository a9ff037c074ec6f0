"""Messages are averaged over neighbours, by whichever of two ways, and none of them is no trouble."""

import pytest
import torch

from protein_fitness.model.gvp_layer import GVPLayer

NODES, EDGES = (10, 4), (6, 1)
EDGE_INDEX = torch.tensor([[1, 2, 3, 0, 2, 0], [0, 0, 0, 1, 1, 3]])  # nothing reaches nodes 2 and 4


def layer_and_input(dtype=torch.float64, dropout=0.1):
    torch.manual_seed(0)
    layer = GVPLayer(NODES, EDGES, dropout).to(dtype).eval()
    nodes = torch.randn(5, NODES[0], dtype=dtype), torch.randn(5, 3, NODES[1], dtype=dtype)
    edges = torch.randn(6, EDGES[0], dtype=dtype), torch.randn(6, 3, EDGES[1], dtype=dtype)
    return layer, nodes, edges


def test_a_node_adds_the_mean_of_its_messages_then_its_own_step():
    layer, nodes, edges = layer_and_input()
    out = layer(nodes, edges, EDGE_INDEX)
    for node in range(5):
        messages = []
        for edge, (source, target) in enumerate(EDGE_INDEX.T.tolist()):
            if target == node:
                parts = zip(nodes, edges, nodes, strict=True)
                places = (source, edge, target)
                message = tuple(
                    torch.cat([each[place] for each, place in zip(part, places, strict=True)], -1)[None]
                    for part in parts
                )
                for block in (layer.first, *layer.rest):
                    message = block(message)
                messages.append(message)
        mean = [sum(each) / len(messages) for each in zip(*messages, strict=True)] if messages else [0, 0]
        state = layer.norms[0](tuple(each[node : node + 1] + more for each, more in zip(nodes, mean, strict=True)))
        step = layer.feed_forward(state)
        state = layer.norms[1](tuple(one + other for one, other in zip(state, step, strict=True)))
        for expected, found in zip(state, out, strict=True):
            torch.testing.assert_close(found[node : node + 1], expected, atol=1e-12, rtol=0)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-12)])
def test_the_factored_message_is_the_direct_one(dtype, tolerance):
    layer, nodes, edges = layer_and_input(dtype)
    factored = layer(nodes, edges, EDGE_INDEX)
    layer.factored = False
    for one, other in zip(factored, layer(nodes, edges, EDGE_INDEX), strict=True):
        torch.testing.assert_close(one, other, atol=tolerance, rtol=0)
        assert one.std() > 0.1


def test_the_two_ways_have_the_same_gradients():
    gradients = []
    for factored in (True, False):
        layer, nodes, edges = layer_and_input()
        layer.factored = factored
        scalars, vectors = layer(nodes, edges, EDGE_INDEX)
        (scalars.square().sum() + vectors.sum()).backward()
        gradients.append([parameter.grad for parameter in layer.parameters()])
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other, atol=1e-10, rtol=0)


def test_a_node_without_neighbours_is_as_if_alone():
    layer, nodes, edges = layer_and_input()
    none = tuple(each[:0] for each in edges)
    alone = layer(tuple(each[[2, 4]] for each in nodes), none, EDGE_INDEX[:, :0])
    for whole, expected in zip(layer(nodes, edges, EDGE_INDEX), alone, strict=True):
        assert whole.isfinite().all()
        torch.testing.assert_close(whole[[2, 4]], expected, atol=1e-12, rtol=0)


def test_all_vectors_zero_give_zero_vectors_and_finite_gradients():
    layer, nodes, edges = layer_and_input(torch.float32)
    nodes = nodes[0], torch.zeros_like(nodes[1], requires_grad=True)
    scalars, vectors = layer(nodes, (edges[0], torch.zeros_like(edges[1])), EDGE_INDEX)
    assert torch.equal(vectors, torch.zeros_like(vectors))
    (scalars.square().sum() + vectors.sum()).backward()
    assert nodes[1].grad.isfinite().all()
    assert all(parameter.grad.isfinite().all() for parameter in layer.parameters())


def test_dropout_acts_in_training_alone():
    layer, nodes, edges = layer_and_input(dropout=0.5)
    first, second = (layer(nodes, edges, EDGE_INDEX)[0] for _ in range(2))
    assert torch.equal(first, second)
    layer.train()
    assert not torch.equal(layer(nodes, edges, EDGE_INDEX)[0], layer(nodes, edges, EDGE_INDEX)[0])
