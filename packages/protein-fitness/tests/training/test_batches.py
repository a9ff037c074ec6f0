import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protein_fitness.training.batches import ResidueBatches


@given(st.lists(st.integers(1, 300), min_size=1, max_size=80), st.integers(300, 1500), st.integers(0, 5))
def test_each_chain_is_in_one_batch_and_none_is_empty(sizes, residues, epoch):
    batches = list(ResidueBatches(sizes, residues, 0, lambda: epoch))

    assert sorted(place for batch in batches for _, place in batch) == list(range(len(sizes)))
    assert {number for batch in batches for number, _ in batch} == {epoch}
    assert all(batches)
    assert len(batches) == len(ResidueBatches(sizes, residues, 0, lambda: 0)) == max(sum(sizes) // residues, 1)
    width = sum(sizes) / len(batches)
    assert max(sum(sizes[place] for _, place in batch) for batch in batches) < width + max(sizes)


def test_epochs_and_seeds_have_their_own_order():
    orders = [
        [place for batch in ResidueBatches([10] * 50, 100, seed, lambda epoch=epoch: epoch) for _, place in batch]
        for seed, epoch in [(0, 0), (0, 0), (0, 1), (1, 0)]
    ]

    assert orders[0] == orders[1]
    assert orders[0] not in orders[2:]
    assert orders[2] != orders[3]
    assert len(np.unique(orders[0])) == 50


def test_a_chain_larger_than_a_batch_is_refused():
    with pytest.raises(ValueError, match="a chain of 300 residues is in no batch of 200; raise the batch's residues"):
        ResidueBatches([100, 300], 200, 0, lambda: 0)
