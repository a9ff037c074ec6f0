import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protein_fitness.training.splits import PARTS, Split, split_by_cluster


@pytest.fixture(scope="module")
def chains(chains_of):
    lengths = np.random.default_rng(0).integers(5, 30, size=60)
    return chains_of(["A" * int(length) for length in lengths])


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(20, 60))
def test_no_cluster_is_in_two_parts(chains, seed, most):
    clusters = np.random.default_rng(seed).integers(most, size=len(chains))
    shares = {"validation": 0.2, "test": 0.3}

    split = split_by_cluster(chains, clusters, shares=shares, seed=seed)

    numbers = {part: split.numbers(part, chains) for part in PARTS}
    assert sorted(sum(numbers.values(), ())) == list(range(len(chains)))
    owners = [set(clusters[list(numbers[part])].tolist()) for part in PARTS]
    assert sum(map(len, owners)) == len(set().union(*owners))
    total = sum(map(len, chains.sequences))
    for part, share in shares.items():
        assert sum(len(chains.sequences[number]) for number in numbers[part]) <= share * total


def test_parts_are_filled_to_their_shares(chains_of):
    chains = chains_of(["A" * 10] * 100)

    split = split_by_cluster(chains, np.arange(100), shares={"validation": 0.1, "test": 0.25})

    assert [len(getattr(split, part)) for part in PARTS] == [65, 10, 25]


def test_a_large_cluster_is_trained_on(chains_of):
    chains = chains_of(["A" * 10] * 50)
    clusters = np.array([0] * 30 + list(range(1, 21)))

    for seed in range(10):
        split = split_by_cluster(chains, clusters, shares={"validation": 0.1, "test": 0.1}, seed=seed)
        assert set(split.numbers("train", chains)) >= set(range(30))


def test_the_seed_decides(chains):
    one, again, other = (split_by_cluster(chains, np.arange(60), seed=seed) for seed in (0, 0, 1))

    assert one == again
    assert one.test != other.test


def test_a_split_comes_back_from_its_file(chains, tmp_path):
    split = split_by_cluster(chains, np.arange(60))

    assert Split.load(split.save(tmp_path / "split.json"), chains) == split


def test_a_split_of_other_chains_is_refused(chains, chains_of, tmp_path):
    path = split_by_cluster(chains, np.arange(60)).save(tmp_path / "split.json")
    changed = chains_of([*chains.sequences[:-1], chains.sequences[-1] + "C"])

    with pytest.raises(ValueError, match=r"split.json splits other chains than the 60 that were read; give the ones"):
        Split.load(path, changed)


@pytest.mark.parametrize("text", ["{", "[]", json.dumps({"train": []}), "3"])
def test_another_file_is_refused(chains, tmp_path, text):
    path = tmp_path / "split.json"
    path.write_text(text)

    with pytest.raises(ValueError, match=r"split.json is not a split of chains; delete it and split anew"):
        Split.load(path, chains)


def test_too_few_clusters_are_refused(chains):
    with pytest.raises(ValueError, match="1 clusters of 60 chains leave nothing for validation; give more chains"):
        split_by_cluster(chains, np.zeros(60, dtype=int))


@pytest.mark.parametrize("shares", [{"validation": 0.5, "test": 0.5}, {"validation": 0.0, "test": 0.1}])
def test_shares_that_leave_nothing_are_refused(chains, shares):
    with pytest.raises(ValueError, match="shares of validation and test must be above 0 and add up to less than 1"):
        split_by_cluster(chains, np.arange(60), shares=shares)
