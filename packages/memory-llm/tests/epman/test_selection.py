"""Scores become chunks and gates as the paper has them."""

import itertools

import pytest
import torch

from memory_llm.epman.config import EpMANConfig
from memory_llm.epman.selection import Selection, select

SCORES = torch.tensor([0.1, 0.9, 0.2, 0.3, 0.8, 0.0])


def chosen(scores=SCORES, documents=None, generator=None, **settings):
    config = EpMANConfig(**{"top_chunks": 2, "attn_scope": "narrow", **settings})
    found = select(scores, config, documents=documents, generator=generator)
    return dict(zip(found.chunks.tolist(), found.gates.tolist(), strict=True))


def test_narrow_takes_the_best_in_the_order_of_the_document():
    assert list(chosen()) == [1, 4]
    assert list(chosen().values()) == [1.0, 1.0]


def test_broad_takes_neighbours_with_the_gate_of_the_one_that_pulled_them_in():
    gates = chosen(attn_scope="broad", a_mem_mode="exact", exact_weights="softmax", exact_temperature=1.0)
    assert list(gates) == [0, 1, 2, 3, 4, 5]
    assert gates[0] == gates[1] == gates[2] > gates[3] == gates[4] == gates[5]


def test_a_chunk_that_was_found_keeps_its_own_gate_beside_a_better_one():
    scores = torch.tensor([0.0, 0.5, 1.0, 0.0])
    gates = chosen(scores, attn_scope="broad", a_mem_mode="exact")
    assert gates == {0: 0.0, 1: 0.0, 2: 1.0, 3: 1.0}


def test_neighbours_are_of_the_same_document():
    documents = torch.tensor([0, 0, 1, 1, 1, 1])
    assert list(chosen(attn_scope="broad", top_chunks=1, documents=documents)) == [0, 1]


def test_exact_gates_run_from_nought_to_one_and_are_all_open_where_scores_are_equal():
    gates = chosen(a_mem_mode="exact", top_chunks=3)
    assert gates[1] == 1.0
    assert gates[3] == 0.0
    assert gates[4] == pytest.approx((0.8 - 0.3) / (0.9 - 0.3))
    assert set(chosen(torch.ones(4), a_mem_mode="exact").values()) == {1.0}


def test_full_layout_keeps_everything_and_shuts_the_rest():
    assert chosen(layout="full") == {0: 0.0, 1: 1.0, 2: 0.0, 3: 0.0, 4: 1.0, 5: 0.0}


def test_noisy_gates_lie_high_and_tell_neither_by_size_nor_by_place_which_is_best():
    generator = torch.Generator().manual_seed(0)
    draws = [chosen(a_mem_mode="noisy", top_chunks=4, generator=generator) for _ in range(200)]
    gates = torch.tensor([list(draw.values()) for draw in draws])
    assert gates.min() >= 0.9
    assert gates.max() <= 1.0
    places = [list(draw).index(1) for draw in draws]
    assert {0, 1, 2, 3} == set(places)
    best = [max(draw, key=draw.get) for draw in draws]
    assert 0.1 < best.count(1) / len(best) < 0.4


def test_shuffling_keeps_what_broad_put_together():
    scores, generator = torch.zeros(12), torch.Generator().manual_seed(0)
    scores[[2, 6, 10]] = 1.0
    documents = torch.tensor([0] * 8 + [1] * 4)
    orders = {
        tuple(chosen(scores, documents, generator, a_mem_mode="noisy", top_chunks=3, attn_scope="broad"))
        for _ in range(50)
    }
    runs = [(1, 2, 3), (5, 6, 7), (9, 10, 11)]
    assert orders == {sum(order, ()) for order in itertools.permutations(runs)}


@pytest.mark.parametrize(("scores", "message"), [([], "no chunks"), ([0.0, float("nan")], "scored chunk 1 with nan")])
def test_scores_that_select_nothing_are_refused(scores, message):
    with pytest.raises(ValueError, match=message):
        chosen(torch.tensor(scores))


@pytest.mark.parametrize("gate", [-0.1, 1.5, float("nan")])
def test_gates_outside_their_range_are_refused(gate):
    found = torch.tensor([0])
    with pytest.raises(ValueError, match=r"the gate at \[1\] is .*; gates must be from 0 to 1"):
        Selection(chunks=torch.arange(2), gates=torch.tensor([1.0, gate]), found=found, scores=torch.ones(1))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"chunk_size": 0}, "`chunk_size` must be at least 1, got 0"),
        ({"top_chunks": 0}, "`top_chunks` must be at least 1"),
        ({"attn_scope": "wide"}, "`attn_scope` must be one of narrow, broad, got 'wide'"),
        ({"layout": "full", "rope": "stored"}, "needs `prefill='full'`"),
        ({"store": "text", "prefill": "full"}, "which `prefill='full'` cannot"),
        ({"layout": "full", "reselect_every": 4}, "needs `layout='gather'`"),
        ({"reselect_every": 0}, "at least 1 or None"),
        ({"exact_temperature": 0.0}, "must be positive"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        EpMANConfig(**settings)
