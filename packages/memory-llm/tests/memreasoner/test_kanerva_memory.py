"""Pseudo-inverses are those of linear algebra; what is written is read back; divergences are those of the normals."""

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from memory_llm.memreasoner.config import MemReasonerConfig
from memory_llm.memreasoner.kanerva_memory import KanervaMemory, pseudo_inverse


def memory(slots=12, **settings):
    torch.manual_seed(0)
    return KanervaMemory(MemReasonerConfig(latent_size=8, memory="kanerva", memory_slots=slots, **settings)).eval()


@pytest.mark.parametrize("shape", [(4, 9), (9, 4), (6, 6)])
@pytest.mark.parametrize("size", [1e-3, 1.0, 1e3])
def test_pseudo_inverse_is_that_of_linear_algebra_at_any_scale(shape, size, generator):
    matrix = size * torch.randn(3, *shape, dtype=torch.float64, generator=generator)
    expected = torch.linalg.pinv(matrix)
    torch.testing.assert_close(pseudo_inverse(matrix, 30), expected, rtol=1e-6, atol=1e-9 / size)


def test_rank_deficient_and_padded_matrices_have_one_too(generator):
    rows = torch.randn(3, 8, dtype=torch.float64, generator=generator)
    matrix = torch.cat([rows, rows[:1], torch.zeros(2, 8, dtype=torch.float64)])
    found = pseudo_inverse(matrix, 30)
    torch.testing.assert_close(found, torch.linalg.pinv(matrix), rtol=1e-6, atol=1e-9)
    assert not found[:, 4:].any()


def test_the_error_along_a_singular_value_is_the_stated_one():
    matrix = torch.diag(torch.tensor([1.0, 0.5], dtype=torch.float64))
    for steps in (3, 5):
        found = pseudo_inverse(matrix, steps).diagonal()
        expected = 1 - (1 - torch.tensor([1.0, 0.25], dtype=torch.float64) / 1.25) ** 2**steps
        torch.testing.assert_close(found * matrix.diagonal(), expected)


def test_a_singular_value_of_a_hundred_does_not_diverge():
    matrix = torch.diag(torch.tensor([100.0, 90.0]))
    torch.testing.assert_close(pseudo_inverse(matrix, 15), matrix.inverse())


def test_what_is_not_a_number_is_refused():
    with pytest.raises(ValueError, match="holds NaN or infinity"):
        pseudo_inverse(torch.tensor([[float("nan")]]), 3)


@torch.no_grad()
def test_as_many_lines_as_slots_are_read_back(generator):
    lines = torch.randn(2, 6, 8, generator=generator)
    written = memory(pinv_steps=25).write(lines, torch.ones(2, 6, dtype=torch.bool))
    read = lines @ written.inverse @ written.matrix
    torch.testing.assert_close(read, lines, rtol=1e-3, atol=1e-3)
    outside = torch.randn(2, 1, 8, generator=generator)
    projected = outside @ written.inverse @ written.matrix
    expected = outside @ torch.linalg.pinv(lines) @ lines
    torch.testing.assert_close(projected, expected, rtol=1e-2, atol=1e-2)


@torch.no_grad()
def test_divergences_are_those_of_normal_distributions(generator):
    one = memory()
    torch.nn.init.normal_(one.prior_log_variance, generator=generator)
    lines, query = torch.randn(1, 5, 8, generator=generator), torch.randn(1, 8, generator=generator)
    written = one.write(lines, torch.ones(1, 5, dtype=torch.bool))
    spread = (0.5 * one.prior_log_variance).exp()[:, None]
    expected = kl_divergence(Normal(written.matrix[0], spread), Normal(one.prior, spread)).mean()
    torch.testing.assert_close(written.divergence, expected[None])
    weights = one.of_query(query)[0] @ written.inverse[0]
    read = Normal(weights, (0.5 * one.read_log_variance).exp())
    expected = kl_divergence(read, Normal(0.0, 1.0)).mean()
    torch.testing.assert_close(one.score(query, written).divergence, expected[None])


def test_reads_are_noisy_in_training_alone(generator):
    one = memory()
    lines, query = torch.randn(1, 5, 8, generator=generator), torch.randn(1, 8, generator=generator)
    written = one.write(lines, torch.ones(1, 5, dtype=torch.bool))
    assert torch.equal(one.score(query, written).scores, one.score(query, written).scores)
    one.train()
    assert not torch.equal(one.score(query, written).scores, one.score(query, written).scores)


def test_too_few_steps_are_warned_of(generator):
    with pytest.warns(UserWarning, match="raise `pinv_steps`"):
        memory(pinv_steps=1).write(torch.randn(1, 5, 8, generator=generator), torch.ones(1, 5, dtype=torch.bool))
