"""Retention of a method that holds the latest two facts only."""

import math

import pytest

from memory_llm.facts import Fact, retention


@pytest.fixture
def edits():
    return [
        Fact(id=name, prompt=f"{name} likes", target="tea", subject=name, old_target=old)
        for name, old in (("Ann", "old"), ("Bob", None), ("Cid", "old"), ("Dan", "old"))
    ]


def test_each_checkpoint_asks_all_facts_so_far(parrot, edits):
    report = retention(parrot(capacity=2), edits, checkpoints=[1, 2, 4])
    assert [outcome.setting for outcome in report.outcomes] == [{"edits": 1}, {"edits": 2}, {"edits": 4}]
    assert [outcome.per_fact["retention.whole"] for outcome in report.outcomes] == [[1], [1, 1], [0, 0, 1, 1]]
    assert [outcome.intervals["retention.first"].value for outcome in report.outcomes] == [1, 1, 0.5]
    assert report.outcomes[2].per_fact["retention.s"] == [0, pytest.approx(math.nan, nan_ok=True), 1, 1]
    assert report.outcomes[1].fact_ids == ["Ann", "Bob"]


@pytest.mark.parametrize("number", [0, 5])
def test_a_checkpoint_outside_the_facts_is_refused(parrot, edits, number):
    with pytest.raises(ValueError, match=rf"`checkpoints` must be in \[1, 4\], the number of facts, got {number}"):
        retention(parrot(), edits, checkpoints=[number])
