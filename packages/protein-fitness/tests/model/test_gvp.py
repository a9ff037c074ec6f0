"""A GVP computes what its equations say, and turns with its input."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from protein_fitness.model.gvp import GVP, GVPDropout, GVPLayerNorm

DOUBLE = {"dtype": torch.float64}


def random_features(items, channels, seed=0):
    generator = torch.Generator().manual_seed(seed)
    scalars = torch.randn(items, channels[0], generator=generator, **DOUBLE)
    return scalars, torch.randn(items, 3, channels[1], generator=generator, **DOUBLE)


def by_hand(gvp, scalars, vectors):
    """One item, channel by channel; vectors with their channels first."""
    hidden_map = gvp.hidden.weight.detach().numpy()
    hidden = np.array([sum(row[c] * vectors[c] for c in range(len(vectors))) for row in hidden_map])
    lengths = [max(float(each @ each), 1e-8) ** 0.5 for each in hidden]
    pre = gvp.scalar.weight.detach().numpy() @ np.array([*scalars, *lengths]) + gvp.scalar.bias.detach().numpy()
    gates = 1 / (1 + np.exp(-(gvp.gate.weight.detach().numpy() @ pre + gvp.gate.bias.detach().numpy())))
    turned = gvp.vector.weight.detach().numpy() @ hidden
    return np.maximum(pre, 0) if gvp.activation else pre, turned * gates[:, None]


@pytest.mark.parametrize("activation", [True, False])
@pytest.mark.parametrize(("inputs", "outputs"), [((5, 3), (4, 2)), ((2, 1), (3, 6))])
def test_a_gvp_is_its_equations(inputs, outputs, activation):
    gvp = GVP(inputs, outputs, activation=activation).double()
    features = random_features(7, inputs)
    scalars, vectors = gvp(features)
    for item in range(7):
        expected = by_hand(gvp, features[0][item].numpy(), features[1][item].T.numpy())
        np.testing.assert_allclose(scalars[item].detach(), expected[0], atol=1e-12)
        np.testing.assert_allclose(vectors[item].T.detach(), expected[1], atol=1e-12)


def test_the_hidden_width_is_the_larger_number_of_vectors():
    assert GVP((5, 3), (4, 2)).hidden.weight.shape == (3, 3)
    assert GVP((5, 3), (4, 8)).hidden.weight.shape == (8, 3)


def test_without_vectors_it_is_a_linear_map_with_vectors_of_zero():
    gvp = GVP((5, 0), (4, 2), activation=False).double()
    features = random_features(3, (5, 0))
    scalars, vectors = gvp(features)
    torch.testing.assert_close(scalars, gvp.scalar(features[0]))
    assert torch.equal(vectors, torch.zeros(3, 3, 2, **DOUBLE))
    assert {name for name, _ in gvp.named_parameters()} == {"scalar.weight", "scalar.bias"}


@given(seed=st.integers(0, 10**6), mirrored=st.booleans())
@settings(max_examples=15, deadline=None)
def test_vectors_turn_with_the_input_and_scalars_stay(seed, mirrored):
    turn = torch.from_numpy(Rotation.random(random_state=seed).as_matrix() * (-1 if mirrored else 1))
    block = torch.nn.Sequential(GVPLayerNorm((5, 3)), GVP((5, 3), (4, 6)), GVP((4, 6), (4, 2))).double()
    scalars, vectors = random_features(6, (5, 3), seed)
    before, after = block((scalars, vectors)), block((scalars, turn @ vectors))
    torch.testing.assert_close(after[0], before[0], atol=1e-12, rtol=0)
    torch.testing.assert_close(after[1], turn @ before[1], atol=1e-12, rtol=0)


@given(at=st.tuples(st.integers(0, 5), st.integers(0, 3)))
@settings(max_examples=15, deadline=None)
def test_shares_of_channels_side_by_side_add_up(at):
    gvp = GVP((5, 3), (4, 2)).double()
    scalars, vectors = random_features(6, (5, 3))
    left = gvp.share((scalars[:, : at[0]], vectors[..., : at[1]]))
    right = gvp.share((scalars[:, at[0] :], vectors[..., at[1] :]), at)
    for part, whole in zip((left[0] + right[0], left[1] + right[1]), gvp.share((scalars, vectors)), strict=True):
        torch.testing.assert_close(part, whole)


def test_the_norm_divides_vectors_by_the_root_mean_square_of_their_lengths():
    scalars, vectors = random_features(4, (5, 3))
    normed = GVPLayerNorm((5, 3)).double()((scalars, vectors))
    for item in range(4):
        lengths = np.linalg.norm(vectors[item].numpy(), axis=0)
        np.testing.assert_allclose(normed[1][item], vectors[item] / np.sqrt((lengths**2).mean()))
        row = scalars[item].numpy()
        np.testing.assert_allclose(normed[0][item].detach(), (row - row.mean()) / np.sqrt(row.var() + 1e-5), atol=1e-12)


def test_vectors_of_zero_stay_zero_and_have_finite_gradients():
    block = torch.nn.Sequential(GVPLayerNorm((5, 3)), GVP((5, 3), (4, 2)))
    scalars, vectors = torch.ones(2, 5, requires_grad=True), torch.zeros(2, 3, 3, requires_grad=True)
    out = block((scalars, vectors))
    assert torch.equal(out[1], torch.zeros(2, 3, 2))
    (out[0].sum() + out[1].sum()).backward()
    assert vectors.grad.isfinite().all()
    assert scalars.grad.isfinite().all()


def test_dropout_takes_vectors_as_wholes_and_keeps_the_mean():
    torch.manual_seed(0)
    dropped = GVPDropout(0.25).train()((torch.ones(400, 10), torch.ones(400, 3, 10)))
    gone = dropped[1] == 0
    assert torch.equal(gone.any(1), gone.all(1))
    assert torch.equal(dropped[1][~gone], torch.full_like(dropped[1][~gone], 1 / 0.75))
    for each in dropped:
        assert float(each.mean()) == pytest.approx(1, abs=0.05)
        assert 0.2 < float((each == 0).float().mean()) < 0.3


def test_nothing_is_dropped_in_use():
    features = random_features(4, (5, 3))
    for before, after in zip(features, GVPDropout(0.9).eval()(features), strict=True):
        assert torch.equal(before, after)
