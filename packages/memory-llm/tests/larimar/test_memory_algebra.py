"""What least squares promise, in float64: recall, capacity, order, forgetting and merging (A1-A9 of the plan).

Each property is tried on independent keys and on correlated ones, whose common part makes raw encodings nearly
parallel.
"""

import numpy as np
import pytest
import torch

from memory_llm.larimar.addressing import KeySpace, gaussian_weights, ridge_pinv
from memory_llm.larimar.memory import EpisodicMemory
from memory_llm.larimar.memory_config import MemoryConfig

SLOTS, WIDTH = 96, 144
pytestmark = pytest.mark.filterwarnings("ignore::memory_llm.larimar.memory_config.CapacityWarning")


def facts(count, *, seed=0, correlated=False):
    """Keys and values; correlated keys have cosines around 0.9 before they are centred."""
    generator = torch.Generator().manual_seed(seed)
    keys, values = (torch.randn(count, WIDTH, generator=generator, dtype=torch.float64) for _ in range(2))
    return (keys + 3 * torch.ones(WIDTH, dtype=torch.float64) if correlated else keys), values


def memory(*, correlated=False, **settings):
    mean = 3 * torch.ones(WIDTH, dtype=torch.float64) if correlated else None
    fields = {"addressing": "pinv", "on_overflow": "warn", "num_slots": SLOTS, **settings}
    config = MemoryConfig(key_width=WIDTH, value_width=WIDTH, **fields)
    return EpisodicMemory(config, key_space=KeySpace(mean=mean))


def names(*numbers):
    return [f"f{number}" for number in numbers]


def relative(found, expected):
    return float((found - expected).norm() / expected.norm())


def written(count, *, leave_out=(), correlated=False, seed=0, **settings):
    keys, values = facts(count, correlated=correlated, seed=seed)
    kept = [row for row in range(count) if row not in leave_out]
    filled = memory(correlated=correlated, **settings)
    filled.write(keys[kept], values[kept], names(*kept))
    return filled, keys, values


@pytest.mark.parametrize("correlated", [False, True])
@pytest.mark.parametrize("count", [1, 16, SLOTS - 1, SLOTS, SLOTS + 1, 4 * SLOTS])
def test_a1_write_without_ridge_is_minimum_norm_least_squares(count, correlated):
    filled, keys, values = written(count, ridge=0.0, correlated=correlated)
    centred = keys - 3 * correlated
    unit = (centred / centred.norm(dim=-1, keepdim=True)).numpy()
    weights = unit @ np.linalg.pinv(filled.store.bank.references.numpy())
    expected = np.linalg.lstsq(weights, values.numpy(), rcond=None)[0]
    assert relative(filled.matrix(), torch.from_numpy(expected)) <= 1e-10


@pytest.mark.parametrize("addressing", ["slot", "gaussian", "pinv", "auto"])
@pytest.mark.parametrize("count", [1, 16, SLOTS - 1])
def test_a2_as_many_facts_as_slots_are_recalled_exactly(count, addressing):
    keys, values = facts(count)
    filled = memory(addressing=addressing, ridge=0.0, on_overflow="error")
    values = values.float().double()  # slots hold float32
    queries = values if addressing == "auto" else keys
    filled.write(queries, values)
    assert relative(filled.read(queries), values) <= 1e-8


@pytest.mark.parametrize("factor", [2, 4])
def test_a3_overflow_is_graceful(factor):
    filled, keys, values = written(factor * SLOTS)
    found = filled.read(keys)
    cosine = torch.nn.functional.cosine_similarity(found, values, dim=-1).mean()
    assert relative(found, values) == pytest.approx((1 - 1 / factor) ** 0.5, rel=0.02)
    assert float(cosine) == pytest.approx(factor**-0.5, rel=0.02)


@pytest.mark.parametrize("correlated", [False, True])
@pytest.mark.parametrize("first", [SLOTS // 2, 2 * SLOTS])
def test_a4_sequential_writes_equal_one_batch(first, correlated):
    batch, keys, values = written(first + 20, correlated=correlated)
    sequential = memory(correlated=correlated)
    sequential.write(keys[:first], values[:first])
    for row in range(first, first + 20):
        sequential.write(keys[row : row + 1], values[row : row + 1])
    assert relative(sequential.matrix(), batch.matrix()) <= 1e-9


@pytest.mark.parametrize("correlated", [False, True])
@pytest.mark.parametrize("count", [1, 64, SLOTS - 1, SLOTS, SLOTS + 1, 2 * SLOTS])
def test_a5_forgetting_equals_never_written(count, correlated):
    filled, keys, _ = written(count, correlated=correlated)
    never, _, _ = written(count, leave_out=[count // 2], correlated=correlated)
    filled.forget(names(count // 2))
    assert filled.ids == never.ids
    if count == 1:
        assert torch.count_nonzero(filled.matrix()) == 0
    else:
        assert relative(filled.matrix(), never.matrix()) <= 1e-8
        assert relative(filled.read(keys), never.read(keys)) <= 1e-8


def test_a5_slots_forget_to_the_bit():
    filled, keys, _ = written(16, addressing="slot", on_overflow="error")
    before = filled.read(keys)
    filled.write(*facts(3, seed=1), names(100, 101, 102))
    filled.forget(names(100, 102))
    filled.forget(names(101))
    assert torch.equal(filled.read(keys), before)
    assert torch.count_nonzero(filled.store.bank.values[16:]) == torch.count_nonzero(filled.store.bank.keys[16:]) == 0


def test_a6_forgotten_content_is_gone_and_the_rest_stays():
    filled, keys, values = written(SLOTS // 2)
    receipt = filled.forget(names(7))
    retained = torch.arange(SLOTS // 2) != 7
    cosine = torch.nn.functional.cosine_similarity(filled.read(keys), values, dim=-1)
    assert abs(float(cosine[7])) <= 0.15
    assert receipt.leak == pytest.approx(abs(float(cosine[7])), rel=1e-4)
    assert float(cosine[retained].min()) >= 0.99


def test_a7_order_does_not_matter():
    keys, values = facts(SLOTS)
    order = torch.randperm(SLOTS, generator=torch.Generator().manual_seed(3)).tolist()
    one, other = memory(), memory()
    one.write(keys, values, names(*range(SLOTS)))
    one.forget(names(3, 50))
    for row in order:
        other.write(keys[row : row + 1], values[row : row + 1], names(row))
        if row in (3, 50):
            other.forget(names(row))
    assert set(one.ids) == set(other.ids)
    assert relative(one.matrix(), other.matrix()) <= 1e-9


@pytest.mark.parametrize("addressing", ["pinv", "slot"])
@pytest.mark.parametrize("log", ["full", "none"])
def test_a8_merging_equals_joint_writing(addressing, log):
    joint, keys, values = written(60, addressing=addressing, log=log, on_overflow="error")
    left, right = (memory(addressing=addressing, log=log, on_overflow="error") for _ in range(2))
    left.write(keys[:25], values[:25], names(*range(25)))
    right.write(keys[25:], values[25:], names(*range(25, 60)))
    left.merge(right)
    assert left.ids == joint.ids
    assert relative(left.matrix(), joint.matrix()) <= 1e-10


@pytest.mark.parametrize("addressing", ["slot", "gaussian", "pinv", "auto"])
@pytest.mark.parametrize("log", ["full", "keys", "none"])
def test_a9_files_round_trip_to_the_bit(addressing, log, tmp_path):
    keys, values = facts(20)
    queries = values if addressing == "auto" else keys
    filled = memory(addressing=addressing, log=log, on_overflow="error")
    filled.write(queries, values, texts=[f"fact {row}" for row in range(20)])
    filled.save_pretrained(tmp_path)
    loaded = EpisodicMemory.from_pretrained(tmp_path)
    assert torch.equal(loaded.read(queries), filled.read(queries))
    assert torch.equal(loaded.matrix(), filled.matrix())
    assert (loaded.ids, loaded.config) == (filled.ids, filled.config)
    assert [loaded.text(name) for name in loaded.ids] == [filled.text(name) for name in filled.ids]


def test_paper_recursion_agrees_once_it_is_defined():
    """Eq. 4-6 from a start with more independent keys than slots, written out in numpy."""
    start, more = 2 * SLOTS, 5
    filled, keys, values = written(start + more, ridge=0.0)
    weights = filled.read_weights(keys).numpy()
    targets = values.numpy()
    first = weights[:start]
    matrix = np.linalg.lstsq(first, targets[:start], rcond=None)[0]
    covariance = first.T @ first
    for row in range(start, start + more):
        w, z = weights[row : row + 1], targets[row : row + 1]
        covariance = covariance + w.T @ w
        matrix = matrix + np.linalg.solve(covariance, w.T @ (z - w @ matrix))
    assert relative(filled.matrix(), torch.from_numpy(matrix)) <= 1e-9


def test_auto_addressing_projects_on_what_is_stored():
    """``Zq M^+ M`` is the projection on the row space of M; one stored fact answers every query."""
    filled, _, _ = written(0, addressing="auto", on_overflow="error")
    _, values = facts(4)
    filled.write(values, values)
    query = torch.randn(3, WIDTH, generator=torch.Generator().manual_seed(9), dtype=torch.float64)
    basis = torch.linalg.qr(values.mT).Q
    assert relative(filled.read(query), query @ basis @ basis.mT) <= 1e-5  # the ridge of 1e-6


def test_gaussian_weights_are_a_softmax_over_relative_distances():
    references = torch.tensor([[0.0, 0.0], [3.0, 0.0], [0.0, 4.0]], dtype=torch.float64)
    squared = torch.tensor([1.0, 4.0, 17.0], dtype=torch.float64)  # of (1, 0)
    expected = torch.softmax(-squared / (2 * 0.5 * 1.0), 0)
    found = gaussian_weights(torch.tensor([[1.0, 0.0]], dtype=torch.float64), references, 0.5)
    torch.testing.assert_close(found[0], expected)
    exact = gaussian_weights(references, references, 1e-3)
    torch.testing.assert_close(exact, torch.eye(3, dtype=torch.float64))


def test_gaussian_over_given_references_lets_phrasings_share_a_slot():
    keys, values = facts(6)
    generator = torch.Generator().manual_seed(5)
    phrasing = keys + 0.1 * torch.randn(keys.shape, generator=generator, dtype=torch.float64)
    config = MemoryConfig(key_width=WIDTH, value_width=WIDTH, num_slots=6, addressing="gaussian", on_overflow="warn")
    unit = torch.nn.functional.normalize(keys, dim=-1)
    filled = EpisodicMemory(config, references=unit)
    filled.write(keys, values)
    filled.write(phrasing, values)
    assert relative(filled.read(phrasing), values) <= 1e-5


@pytest.mark.parametrize("shape", [(5, 12), (12, 5)])
def test_ridge_pinv_is_the_pseudo_inverse(shape):
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    torch.testing.assert_close(ridge_pinv(matrix), torch.linalg.pinv(matrix), rtol=1e-8, atol=1e-9)


def test_ridge_pinv_has_a_gradient_at_equal_singular_values():
    matrix = torch.eye(4, 6, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda m: ridge_pinv(m, 1e-3), (matrix,))


def test_ridge_memory_is_the_closed_form():
    filled, keys, values = written(40, ridge=0.01)
    weights = filled.read_weights(keys)
    system = weights.mT @ weights + 0.01 * torch.eye(SLOTS, dtype=torch.float64)
    assert relative(filled.matrix(), torch.linalg.solve(system, weights.mT @ values)) <= 1e-10
