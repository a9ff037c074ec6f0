"""Order is told where it should be, padding never leaks, and content is never lost."""

import pytest
import torch

from memory_llm.memreasoner.config import MemReasonerConfig
from memory_llm.memreasoner.temporal import build_temporal, distance_from_last

KINDS = ("bigru", "gru", "rope", "learned", "none")


def encoding(kind, **settings):
    torch.manual_seed(0)
    return build_temporal(MemReasonerConfig(latent_size=8, temporal=kind, max_lines=16, **settings)).eval()


@pytest.mark.parametrize("kind", KINDS)
def test_padding_changes_nothing_and_is_nothing(kind, generator):
    latents, query = torch.randn(2, 4, 8, generator=generator), torch.randn(2, 8, generator=generator)
    whole = encoding(kind)(latents, torch.ones(2, 4, dtype=torch.bool), query)
    noise = torch.randn(2, 3, 8, generator=generator) * 100
    mask = torch.tensor([[True] * 4 + [False] * 3] * 2)
    found = encoding(kind)(torch.cat([latents, noise], dim=1), mask, query)
    torch.testing.assert_close(found[:, :4], whole)
    assert not found[:, 4:].any()


@pytest.mark.parametrize("kind", KINDS)
def test_lines_masked_out_between_others_are_as_if_they_were_not_there(kind, generator):
    latents, query = torch.randn(2, 5, 8, generator=generator), torch.randn(2, 8, generator=generator)
    mask = torch.tensor([[True, False, True, True, False], [True] * 5])
    found = encoding(kind)(latents, mask, query)
    alone = encoding(kind)(latents[:1, [0, 2, 3]], torch.ones(1, 3, dtype=torch.bool), query[:1])
    torch.testing.assert_close(found[:1, [0, 2, 3]], alone)


@pytest.mark.parametrize("kind", KINDS)
def test_order_matters_to_all_but_none(kind, generator):
    latents, query = torch.randn(1, 4, 8, generator=generator), torch.randn(1, 8, generator=generator)
    mask = torch.ones(1, 4, dtype=torch.bool)
    forward = encoding(kind)(latents, mask, query)
    backward = encoding(kind)(latents.flip(1), mask, query).flip(1)
    assert torch.allclose(forward, backward, atol=1e-6) == (kind == "none")


def test_without_its_map_a_recurrent_net_leaves_content(generator):
    temporal = encoding("bigru")
    torch.nn.init.zeros_(temporal.projection.weight)
    latents = torch.randn(1, 3, 8, generator=generator)
    found = temporal(latents, torch.ones(1, 3, dtype=torch.bool), latents[:, 0])
    torch.testing.assert_close(found, torch.nn.functional.layer_norm(latents, (8,)))


def test_a_forward_net_does_not_look_ahead(generator):
    latents, query = torch.randn(1, 4, 8, generator=generator), torch.randn(1, 8, generator=generator)
    changed = latents.clone()
    changed[:, 3] += 1
    mask = torch.ones(1, 4, dtype=torch.bool)
    for kind, same in (("gru", True), ("bigru", False)):
        one, other = (encoding(kind)(rows, mask, query)[:, :3] for rows in (latents, changed))
        assert torch.equal(one, other) == same


def test_distances_count_from_the_last_line():
    mask = torch.tensor([[True, True, True, False], [True, False, True, True]])
    assert distance_from_last(mask).tolist() == [[2, 1, 0, 0], [2, 1, 1, 0]]


def test_a_shut_gate_hides_lines_from_all_others(generator):
    temporal = encoding("bigru", query_gated=True)
    query, mask = torch.randn(1, 8, generator=generator), torch.ones(1, 3, dtype=torch.bool)
    latents = torch.randn(1, 3, 8, generator=generator)
    changed = latents.clone()
    changed[:, 1] += 1
    assert not torch.allclose(temporal(latents, mask, query)[:, 0], temporal(changed, mask, query)[:, 0], atol=1e-5)
    torch.nn.init.constant_(temporal.gate.openness, -50.0)
    torch.testing.assert_close(temporal(latents, mask, query)[:, 0], temporal(changed, mask, query)[:, 0])
    assert not torch.allclose(
        encoding("bigru", query_gated=True)(latents, mask, query),
        encoding("bigru", query_gated=True)(latents, mask, -query),
    )


def test_gradients_pass_through_packed_lines(generator):
    latents = torch.randn(2, 4, 8, generator=generator).requires_grad_()
    mask = torch.tensor([[True, True, False, False], [True] * 4])
    encoding("bigru")(latents, mask, latents[:, 0]).square().sum().backward()
    assert latents.grad[0, 0].any()
    assert not latents.grad[0, 2:].any()
