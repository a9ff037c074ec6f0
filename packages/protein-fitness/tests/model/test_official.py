"""Weights of a released checkpoint go where they belong, rows of the head in our order, and none is lost in silence."""

import pytest
import torch

from protein_fitness.amino_acids import AMINO_ACIDS, OFFICIAL_ORDER
from protein_fitness.model.official import model_from_official

SIZES = {
    "node_scalars": 6,
    "node_vectors": 3,
    "edge_scalars": 4,
    "num_layers": 2,
    "point_features": 5,
}
NODES, EDGES, WIDTH, POINT = (6, 3), (4, 1), 8, 5


def linear(name, inputs, outputs, bias=True):
    return {f"{name}.weight": (outputs, inputs), **({f"{name}.bias": (outputs,)} if bias else {})}


def gvp(name, inputs, outputs):
    hidden = max(inputs[1], outputs[1]) if inputs[1] else 0
    shapes = linear(f"{name}.ws", inputs[0] + hidden, outputs[0])
    if hidden:
        shapes |= linear(f"{name}.wh", inputs[1], hidden, bias=False)
    if hidden and outputs[1]:
        shapes |= linear(f"{name}.wv", hidden, outputs[1], bias=False) | linear(f"{name}.wsv", outputs[0], outputs[1])
    return shapes


def norm(name, width):
    return {f"{name}.weight": (width,), f"{name}.bias": (width,)}


def stack(prefix):
    shapes = norm(f"{prefix}W_v.0.scalar_norm", WIDTH) | gvp(f"{prefix}W_v.1", (WIDTH, 0), NODES)
    shapes |= norm(f"{prefix}W_e.0.scalar_norm", 16) | gvp(f"{prefix}W_e.1", (16, 1), EDGES)
    shapes |= norm(f"{prefix}W_out.0.scalar_norm", NODES[0]) | gvp(f"{prefix}W_out.1", NODES, (NODES[0], 0))
    for layer in (f"{prefix}layers.{number}" for number in range(2)):
        shapes |= gvp(f"{layer}.conv.message_func.0", (2 * NODES[0] + EDGES[0], 2 * NODES[1] + EDGES[1]), NODES)
        shapes |= gvp(f"{layer}.conv.message_func.1", NODES, NODES) | gvp(f"{layer}.conv.message_func.2", NODES, NODES)
        shapes |= gvp(f"{layer}.ff_func.0", NODES, (24, 6)) | gvp(f"{layer}.ff_func.1", (24, 6), NODES)
        for number in range(2):
            shapes |= norm(f"{layer}.norm.{number}.scalar_norm", NODES[0])
            shapes[f"{layer}.dropout.{number}.vdropout.dummy_param"] = (0,)
    return shapes


@pytest.fixture
def state():
    """Names and shapes as the released classes make them, filled at random."""
    network = linear("residue_embdding", WIDTH, WIDTH, bias=False) | stack("") | stack("surf_")
    network |= linear("surf_in_linear", WIDTH + 1, WIDTH, bias=False) | linear("surf_in_mlp.4", 2 * WIDTH, WIDTH)
    network |= linear("surf_in_mlp.0", WIDTH + POINT, 2 * WIDTH) | norm("surf_in_mlp.2", 2 * WIDTH)
    shapes = {f"model.structure_model.{name}": shape for name, shape in network.items()}
    shapes |= linear("linear", NODES[0], 20) | {"model.sequence_model.mapping": (33,)}
    generator = torch.Generator().manual_seed(0)
    return {name: torch.randn(shape, generator=generator) for name, shape in shapes.items()}


def without_surface(state):
    return {name: weight for name, weight in state.items() if ".surf_" not in name}


def test_every_weight_finds_its_place(state):
    model = model_from_official(state, **SIZES)
    ours = model.state_dict()
    kept = {name for name, weight in state.items() if weight.numel() and "sequence_model" not in name}
    assert len(ours) == len(kept)
    assert sum(weight.numel() for weight in ours.values()) == sum(state[name].numel() for name in kept)
    network, theirs = model.network, "model.structure_model."
    for weight, name in [
        (network.residues.embed.weight, "residue_embdding.weight"),
        (network.residues.stack.nodes[1].scalar.bias, "W_v.1.ws.bias"),
        (network.residues.stack.edges[0].scalar.bias, "W_e.0.scalar_norm.bias"),
        (network.residues.stack.edges[1].hidden.weight, "W_e.1.wh.weight"),
        (network.residues.stack.layers[1].first.gate.bias, "layers.1.conv.message_func.0.wsv.bias"),
        (network.residues.stack.layers[1].rest[0].vector.weight, "layers.1.conv.message_func.1.wv.weight"),
        (network.residues.stack.layers[0].rest[1].vector.weight, "layers.0.conv.message_func.2.wv.weight"),
        (network.residues.stack.layers[0].feed_forward[1].gate.weight, "layers.0.ff_func.1.wsv.weight"),
        (network.residues.stack.layers[0].norms[1].scalar.weight, "layers.0.norm.1.scalar_norm.weight"),
        (network.residues.stack.out[1].hidden.weight, "W_out.1.wh.weight"),
        (network.surface.inherit.weight, "surf_in_linear.weight"),
        (network.surface.combine[0].weight, "surf_in_mlp.0.weight"),
        (network.surface.combine[2].weight, "surf_in_mlp.2.weight"),
        (network.surface.stack.layers[0].norms[0].scalar.weight, "surf_layers.0.norm.0.scalar_norm.weight"),
        (network.surface.stack.out[1].scalar.weight, "surf_W_out.1.ws.weight"),
    ]:
        assert torch.equal(weight, state[theirs + name]), name


def test_rows_of_the_head_come_into_our_order(state):
    head = model_from_official(state, **SIZES).network.head
    for row, letter in enumerate(AMINO_ACIDS):
        assert torch.equal(head.weight[row], state["linear.weight"][OFFICIAL_ORDER.index(letter)])
        assert head.bias[row] == state["linear.bias"][OFFICIAL_ORDER.index(letter)]


def test_the_model_is_in_use_and_computes_as_released(state):
    model = model_from_official(state, **SIZES)
    assert not model.training
    config = model.config
    assert (config.encoder_width, config.surface, config.surface_pooling) == (WIDTH, True, "global")
    assert config.surface_settings["curvature"] == "legacy"
    assert model_from_official(state, **SIZES, surface_pooling="local").config.surface_pooling == "local"


def test_without_a_surface_it_is_s2f(state):
    assert model_from_official(without_surface(state), **SIZES).network.surface is None


def test_a_weight_without_a_place_is_named(state):
    state["model.structure_model.layers.0.attention.weight"] = torch.zeros(2)
    message = r"weights that have no place in the network: model.structure_model.layers.0.attention.weight; give"
    with pytest.raises(ValueError, match=message):
        model_from_official(state, **SIZES)


def test_a_missing_weight_is_named(state):
    del state["model.structure_model.W_out.1.wh.weight"]
    with pytest.raises(
        ValueError, match="lacks weights of the network: network.residues.stack.out.1.hidden.weight; give"
    ):
        model_from_official(state, **SIZES)


def test_a_weight_of_another_shape_is_named(state):
    with pytest.raises(ValueError, match="weights of another shape than the network: model.structure_model.W_v.1.ws"):
        model_from_official(without_surface(state), **{**SIZES, "node_scalars": 7})


def test_a_file_that_holds_something_else_is_refused(state):
    with pytest.raises(ValueError, match="has no weight model.structure_model.residue_embdding.weight, so it is not"):
        model_from_official({"model": torch.zeros(1)})
