"""Hops are the algebra that they say, halt when nothing changes, and read out what they found."""

import pytest
import torch

from memory_llm.memreasoner.config import MemReasonerConfig
from memory_llm.memreasoner.hops import Hops, HopTrace, build_memory
from memory_llm.memreasoner.readout import read_out


def parts(**settings):
    torch.manual_seed(0)
    config = MemReasonerConfig(latent_size=6, **{"num_hops": 3, "hop_alpha": 0.7, **settings})
    return Hops(config).eval(), build_memory(config).eval()


def context(generator):
    ordered = torch.randn(2, 5, 6, generator=generator)
    mask = torch.tensor([[True] * 5, [True, True, True, False, False]])
    return ordered * mask.unsqueeze(-1), mask, torch.randn(2, 6, generator=generator)


@torch.no_grad()
def test_hops_follow_the_equations(generator):
    hops, memory = parts(addressing_temperature=0.5)
    ordered, mask, query = context(generator)
    trace = hops(query, memory, memory.write(ordered, mask))
    for row, length in enumerate((5, 3)):
        keys = ordered[row, :length].double() @ memory.of_line.weight.double().mT
        asked = query[row].double()
        for hop in range(3):
            scores = keys @ (memory.of_query.weight.double() @ asked) / 6**0.5 / 0.5
            weights = scores.softmax(0)
            read = weights @ ordered[row, :length].double()
            torch.testing.assert_close(trace.weights[row, hop, :length].double(), weights, rtol=1e-4, atol=1e-6)
            torch.testing.assert_close(trace.readouts[row, hop].double(), read, rtol=1e-4, atol=1e-6)
            asked = asked + 0.7 * (hops.update.weight.double() @ read)
    assert not trace.weights[1, :, 3:].any()
    assert trace.hops_taken.tolist() == [3, 3]


@torch.no_grad()
@pytest.mark.parametrize("memory_kind", ["slots", "kanerva"])
def test_rows_do_not_depend_on_their_batch(memory_kind, generator):
    hops, memory = parts(memory=memory_kind, memory_slots=8)
    ordered, mask, query = context(generator)
    both = hops(query, memory, memory.write(ordered, mask))
    alone = hops(query[1:], memory, memory.write(ordered[1:, :3], mask[1:, :3]))
    torch.testing.assert_close(both.weights[1:, :, :3], alone.weights, rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_hops_halt_where_the_same_line_is_read_again(generator):
    ordered, mask, query = context(generator)
    fixed, memory = parts(num_hops=6)
    written = memory.write(ordered, mask)
    unhalted = fixed(query, memory, written)
    lines = unhalted.weights.argmax(-1).tolist()
    expected = [next(hop + 1 for hop in range(1, 6) if row[hop] == row[hop - 1]) for row in lines]
    halting, _ = parts(max_hops=6)
    halting.load_state_dict(fixed.state_dict())
    trace = halting(query, memory, written)
    assert trace.hops_taken.tolist() == expected
    assert trace.weights.shape[1] == max(expected)
    for row, taken in enumerate(expected):
        torch.testing.assert_close(trace.weights[row, :taken], unhalted.weights[row, :taken])
        assert torch.equal(trace.weights[row, -1], trace.weights[row, taken - 1])
    assert halting.train()(query, memory, written).weights.shape[1] == 3


@torch.no_grad()
def test_hops_halt_where_the_question_hardly_changes(generator):
    ordered, mask, query = context(generator)
    hops, memory = parts(max_hops=6, halt_tolerance=1e9)
    assert hops(query, memory, memory.write(ordered, mask)).hops_taken.tolist() == [1, 1]


def test_alpha_learns_only_if_it_is_to(generator):
    ordered, mask, query = context(generator)
    for learn in (True, False):
        hops, memory = parts(learn_alpha=learn)
        hops(query, memory, memory.write(ordered, mask)).weights[:, -1, 0].sum().backward()
        assert (hops.alpha.grad is not None) == learn


def trace_of(*weights):
    weights = torch.tensor([weights])
    zeros = torch.zeros(1, weights.shape[1], 2)
    return HopTrace(scores=weights, weights=weights, readouts=zeros, hops_taken=torch.tensor([len(weights[0])]))


LATENTS = torch.tensor([[[1.0, 0.0], [0.0, 1.0], [2.0, 2.0]]])
MASK = torch.ones(1, 3, dtype=torch.bool)


def test_readouts_are_mean_best_line_or_several_lines():
    trace = trace_of([0.0, 1.0, 0.0], [0.5, 0.1, 0.4])
    soft = read_out(trace, LATENTS, MASK, mode="soft")
    torch.testing.assert_close(soft.latents, torch.tensor([[[1.3, 0.9]]]))
    hard = read_out(trace, LATENTS, MASK, mode="hard")
    torch.testing.assert_close(hard.latents, LATENTS[:, :1])
    top = read_out(trace, LATENTS, MASK, mode="topk", top_lines=2)
    torch.testing.assert_close(top.latents, torch.stack([LATENTS[0, 1], 0.5 * LATENTS[0, 0]])[None])


def test_several_lines_come_in_the_order_of_reading():
    trace = trace_of([0.0, 0.2, 0.8], [0.9, 0.1, 0.0])
    top = read_out(trace, LATENTS, MASK, mode="topk", top_lines=2)
    torch.testing.assert_close(top.latents, torch.stack([LATENTS[0, 2] * 0.8 / 0.9, LATENTS[0, 0]])[None])


def test_several_lines_leave_padding_out():
    mask = torch.tensor([[True, True, False]])
    top = read_out(trace_of([0.3, 0.7, 0.0]), LATENTS, mask, mode="topk", top_lines=8)
    assert top.mask.tolist() == [[True, True, False]]
    assert not top.latents[0, 2].any()


def test_a_hard_readout_has_the_gradient_of_the_soft_one(generator):
    scores = torch.randn(1, 1, 3, generator=generator).requires_grad_()
    gradients = []
    for mode in ("soft", "hard"):
        weights = scores.softmax(-1)
        trace = HopTrace(scores=scores, weights=weights, readouts=scores, hops_taken=torch.ones(1, dtype=torch.long))
        loss = read_out(trace, LATENTS, MASK, mode=mode).latents.sum()
        gradients.append(torch.autograd.grad(loss, scores)[0])
    torch.testing.assert_close(*gradients)
    assert gradients[0].any()
